"""Power cuts of a queue manager alone, by each way in which it can sync and make files: queue_acts is recorded, and on
each disk that a cut may leave queue_replay says what would be delivered."""

import os
import subprocess

import disk
from common import Clock, Place
from faultmap import CHANGES, FaultMap
from power import replay, reported

# Arguments of queue_acts, and the call that fails, if one does.
WAYS = (
    (("syncfs",), None),
    (("fsync",), None),
    (("syncfs", "named"), None),
    (("fsync", "named"), None),
    (("syncfs",), ("syncfs", 1)),
    (("syncfs",), ("syncfs", 3)),
    (("fsync",), ("fdatasync", 4)),
    (("fsync",), ("fsync", 1)),
)


class Run:
    """One recorded run."""

    def __init__(self, build, way, fault):
        acts = build / "tests" / "crash" / "queue_acts"
        with Place() as place:
            plan = FaultMap(str(place / "plan"), 32 << 20)
            queue = place / "queue"
            queue.mkdir()
            if fault:
                plan.arm("queue_acts", fault[1], "EIO", (fault[0],))
            self.models = [disk.Disk({"queue": queue}), disk.Disk({"queue": queue}, ordered=True)]
            done = subprocess.run([acts, queue, *way], capture_output=True, text=True, check=False, timeout=60,
                                  env={**os.environ, "POSTERN_FAULT_MAP": str(plan.path)})
            self.records = list(plan.records())
            fired = plan.fired() if fault else 1
            plan.close()
        notes = [record.result for record in self.records if record.kind == "note"]
        added = sum(note.startswith("added ") for note in notes)
        if done.returncode != 0 or "end" not in notes or not fired or (added != 12 and not fault):
            raise RuntimeError(f"queue_acts ended with {done.returncode}: {(done.stdout + done.stderr)[-300:]}")


def keys(notes):
    """({who is due}, {who has it}) by these notes."""
    due, gone = set(), set()
    for note in notes:
        word, _, rest = note.partition(" ")
        number, *addresses = rest.split(" ")
        if word == "added":
            due |= {(int(number), address) for address in addresses}
        elif word == "sent":
            gone.add((int(number), addresses[0]))
        elif word == "told":
            gone.add((int(number), "report"))
    return due, gone


def judge(program, tree, notes):
    """Yields what is wrong."""
    queued, wrong, ids = replay(program, tree)
    yield from wrong
    due, gone = keys(notes)
    told = gone | reported(tree, ids)
    for key in sorted(due - queued - gone):
        if (key[0], "report") not in told:
            yield f"{key} was taken, and is lost"


def disks(run, model, choose, samples):
    """{key: (tree, notes, call)}; the cut comes after the call."""
    found, notes = {}, []
    for record in run.records:
        if record.kind == "note":
            notes.append(record.result)
            if record.result == "end":
                break
        elif record.kind in CHANGES:
            model.follow(record)
        else:
            continue
        for tree in disk.states(model, choose, samples):
            found.setdefault((disk.fingerprint(tree), len(notes)), (tree, tuple(notes), disk.told(record)))
    return found


def power(options, report):
    program = options.build / "tests" / "crash" / "queue_replay"
    if not program.exists():
        report.skip("queue", "queue_replay was not built: no cmocka")
        return
    ways = WAYS if options.full else options.choose("ways").sample(WAYS, 3)
    for way, fault in ways:
        title = "queue: " + " ".join(way) + (f", {fault[0]} {fault[1]} fails" if fault else "")
        try:
            run = Run(options.build, way, fault)
        except RuntimeError as e:
            report.tell(title, [str(e)])
            continue
        for model in run.models:
            name = "ext4" if model.ordered else "strict"
            choose = options.choose(f"{title} {name}")
            found = disks(run, model, choose, 24 if options.full else 4)
            order = list(found)
            choose.shuffle(order)
            clock, problems, checked = Clock(options.budget(1)), [], 0
            for key in order:
                if clock.over():
                    break
                tree, notes, call = found[key]
                checked += 1
                problems += [f"cut after {call}, {len(notes)} notes: {text}" for text in judge(program, tree, notes)]
            report.tell(f"{title}, after power cuts ({name})", problems,
                        f"{checked} of {len(order)} disks, {len(run.records)} records")
