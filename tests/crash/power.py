"""Power cuts of the whole suite: a run is recorded, and on each disk that a cut may leave the queue is started again.

On every disk a queue manager alone (queue_replay) says what it would deliver; on some the whole suite starts, and must
come up by itself and bring all mail to its end. The queue and the mailboxes are on file systems of their own.
"""

import os
import pathlib
import shutil
import subprocess

import disk
from common import Clock, Place
from faultmap import CHANGES
from suite import SuiteError, wait_for
from world import World, content, programs, ready, whole

BATCHES = 2
SYNCED = 3  # seconds within which qmgr syncs what it has removed


def all_synced(records):
    """Does a sync stand behind the last removal?"""
    removed, synced = 0, 0
    for record in records:
        removed = record.place if record.kind == "unlink" else removed
        synced = record.number("begun") if record.kind == "syncfs" else synced
    return synced > removed


class Run:
    """What was recorded: calls, and what was told to clients and servers at which of them."""

    def __init__(self, prefix):
        with World(prefix, 64 << 20) as world:
            roots = world.record_from_here()
            self.models = [disk.Disk(roots), disk.Disk(roots, ordered=True), disk.Disk(roots)]
            world.suite.start()
            for _ in range(BATCHES):
                world.batch()
            if not world.settled(world.mails, 15):
                raise SuiteError(f"without any fault {world.missing(world.mails)} are missing")
            wait_for("an empty queue", 10, lambda: not world.queue_files())
            wait_for("a sync", SYNCED, lambda: all_synced(world.plan.records()))
            world.suite.stop()
            self.records = list(world.plan.records())
            self.mails = world.mails
            self.port = world.sink.port
            self.sent = [(whole(text), to, moment) for to, text, moment in world.sink.taken]

    def due(self, place):
        """Who had been told by then that we have it."""
        return {key for mail in self.mails if mail.taken and mail.taken_at <= place for key in World.due(mail)}

    def gone_out(self, place):
        return {(number, to) for number, to, moment in self.sent if moment <= place}


def mailed(tree):
    """What lies in mailboxes: ({key}, [what is wrong])."""
    found, wrong = set(), []
    for path, data in tree.items():
        parts = path.split("/")
        if not isinstance(data, bytes) or parts[0] != "mail" or parts[-2] not in ("new", "cur"):
            continue
        number = whole(data.decode("utf-8", "replace"))
        if number is None:
            wrong.append(f"{path} is cut short")
        elif number < 0:
            found.add((-number, "report"))
        else:
            found.add((number, f"{parts[1]}@example.test"))
    return found, wrong


def replay(program, tree):
    """What a queue manager would do with that queue: ({key}, [what is wrong])."""
    queue = {path: data for path, data in tree.items() if path.split("/")[0] == "queue"}
    found, wrong = set(), []
    with Place() as place:
        disk.write_tree(queue, {"queue": place / "queue"})
        done = subprocess.run([program, place / "queue"], capture_output=True, text=True, check=False, timeout=60)
    reports = []
    for line in done.stdout.split("\n"):
        words = line.split(" ")
        if words[0] == "deliver":
            text = bytes.fromhex(words[3]).decode("utf-8", "replace").replace("\r\n", "\n")
            number = whole(text)
            if number is None:
                wrong.append(f"{words[1]} would be delivered with other content")
            elif number < 0:
                found.add((-number, "report"))
            else:
                found.add((number, "report" if words[2].startswith("no-") else words[2]))
        elif words[0] == "report":
            reports.append(words[1])
        elif words[0] in ("damaged", "left"):
            wrong.append(f"{line}: it stays for ever")
    if done.returncode != 0 or not done.stdout.endswith("over\n"):
        wrong.append(f"queue_replay ended with {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
    return found, wrong, reports


def reported(tree, ids):
    """The numbers of messages of which the queue manager would have senders told."""
    found = set()
    for name in ids:
        data = tree.get(f"queue/{name}", b"")
        number = whole(data[1024:].decode("utf-8", "replace").split("\0")[0].replace("\r\n", "\n"))
        if number:
            found.add((number, "report"))
    return found


def judge(program, run, tree, place):
    """The invariant on one disk; yields what is wrong."""
    boxes, wrong = mailed(tree)
    yield from wrong
    queued, wrong, ids = replay(program, tree)
    yield from wrong
    known = boxes | queued | reported(tree, ids) | run.gone_out(place)
    lost = run.due(place) - known
    if lost:
        yield f"taken, and lost: {sorted(lost)}"


def disks(run, model, choose, samples):
    """{fingerprint and place of the last promise: (tree, place, call)}"""
    found, promises = {}, sorted({mail.taken_at for mail in run.mails} | {moment for *_, moment in run.sent})
    for index, record in enumerate(run.records):
        if record.kind not in CHANGES:
            continue
        model.follow(record)
        # The cut comes before the next call.
        place = run.records[index + 1].place - 1 if index + 1 < len(run.records) else record.place + 1
        told = sum(1 for promise in promises if promise <= place)
        for tree in disk.states(model, choose, samples):
            found.setdefault((disk.fingerprint(tree), told), (tree, place, disk.told(record)))
    return found


def power(options, report):
    why = ready(options.build)
    program = options.build / "tests" / "crash" / "queue_replay"
    if not why and not program.exists():
        why = "queue_replay was not built: no cmocka"
    if why:
        report.skip("power", why)
        return
    prefix, copy = programs(options.build)
    try:
        run = Run(prefix)
        for model in run.models[:2]:
            name = "ext4" if model.ordered else "strict"
            choose = options.choose(f"power {name}")
            found = disks(run, model, choose, 24 if options.full else 6)
            keys = list(found)
            choose.shuffle(keys)
            clock, problems, checked = Clock(options.budget(6)), [], 0
            for key in keys:
                if clock.over():
                    break
                tree, place, call = found[key]
                checked += 1
                problems += [f"cut after {call}, record at {place}: {text}" for text in judge(program, run, tree, place)]
            report.tell(f"power: the queue after a cut ({name})", problems,
                        f"{checked} of {len(keys)} disks, {len(run.records)} records")
            whole_suites(options, report, prefix, run, [found[key] for key in keys], name)
        at_rest(report, program, run)
        liar(report, program, run, run.models[2], options.choose("liar"))
    finally:
        if copy:
            shutil.rmtree(copy)


def liar(report, program, run, model, choose):
    """A disk that does nothing when it is told to sync must be found out, or all of this proves nothing."""
    honest = disk.Disk.HANDLERS
    disk.Disk.HANDLERS = {kind: handler for kind, handler in honest.items() if kind != "syncfs"}
    try:
        found = disks(run, model, choose, 6)
        lost = any("and lost" in text for tree, place, _ in found.values() for text in judge(program, run, tree, place))
        report.tell("power: a disk that syncs nothing loses mail", [] if lost else ["nothing was found to be lost"])
    finally:
        disk.Disk.HANDLERS = honest


def at_rest(report, program, run):
    """When all was synced, nothing is delivered again."""
    tree = run.models[0].state(set(), disk.keep_none)
    queued, wrong, reports = replay(program, tree)
    report.tell("power: nothing comes again after the last sync", wrong + [f"{key} again" for key in queued]
                + [f"{name} is reported again" for name in reports])


def whole_suites(options, report, prefix, run, found, name):
    """The suite starts on some of the disks."""
    clock, problems, started = Clock(options.budget(3)), [], 0
    for tree, place, call in found[:40]:
        if clock.over():
            break
        started += 1
        try:
            problems += [f"cut after {call}, record at {place}: {text}" for text in start_on(prefix, run, tree, place)]
        except SuiteError as e:
            problems.append(f"cut after {call}, record at {place}: {e}")
    report.tell(f"power: the suite starts on what is left ({name})", problems, f"{started} starts")


def start_on(prefix, run, tree, place):
    # Queue files name the next hop by its port.
    with World(prefix, port=run.port) as world:
        roots = world.record_from_here()
        owners = {root: os.stat(path) for root, path in roots.items()}
        homes = os.stat(world.suite.home("bert"))
        for root, path in roots.items():
            for entry in os.scandir(path):
                shutil.rmtree(entry.path) if entry.is_dir() else os.unlink(entry.path)
        disk.write_tree(tree, roots)
        for root, path in roots.items():
            own(pathlib.Path(path), owners[root], owners[root] if root == "queue" else homes)
        world.suite.start()
        world.mails = [mail for mail in run.mails if mail.taken and mail.taken_at <= place]
        out = run.gone_out(place)
        world.sink.taken = [(to, content(number).replace("\r\n", "\n"), 0) for number, to in out]
        yield from world.drain()
        yield from world.judge({key for mail in run.mails for key in World.due(mail)}, True)
        yield from world.suite.trouble()
        yield from world.checked()


def own(top, top_owner, owner):
    """Whose files are whose, as far as the model does not know."""
    if os.geteuid() != 0:
        return
    os.chown(top, top_owner.st_uid, top_owner.st_gid)
    os.chmod(top, top_owner.st_mode & 0o777)
    for path in top.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid)
        os.chmod(path, 0o700 if path.is_dir() else 0o600)
