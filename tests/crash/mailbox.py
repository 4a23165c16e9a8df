"""lib/mailbox under faults, kills and power cuts: APPEND, STORE, COPY, MOVE, EXPUNGE (and POP3's QUIT), folders, index.

Each scenario is a script for mail_acts. Afterwards mail_look opens the Maildir as a user process would, and what it finds
is compared with what clients had been told.
"""

import contextlib
import os
import subprocess

import disk
from common import Clock, Place, spread
from faultmap import CHANGES, FaultMap

SYNCS = ("fsync", "fdatasync")
SETUP = "add INBOX - a1 a2\nadd INBOX S a3 a4\n"
SCENARIOS = {
    "delivery": "add INBOX - a1\nadd INBOX - b1 b2 b3\nadd INBOX - c1\n",
    "APPEND": "add INBOX S a1\ncreate Sent\nadd Sent SD b1\nadd Sent S b2 b3\n",
    "STORE": SETUP + "flags INBOX 1 3 F $Work\nflags INBOX 1 9 A\nadd INBOX - z1\n",
    "COPY": SETUP + "create A\ncopy INBOX 1 3 A\ncopy A 1 2 INBOX\nadd A - z1\n",
    "MOVE": SETUP + "create A\nmove INBOX 2 3 A\nmove A 1 1 INBOX\nadd INBOX - z1\n",
    "EXPUNGE": SETUP + "expunge INBOX 2 3\nadd INBOX - z1\nexpunge INBOX 1 1\n",
    "POP3 QUIT": SETUP + "close\nexpunge INBOX 1 4\nclose\nadd INBOX - z1\n",
    "compacting": SETUP + "flags INBOX 1 2 F\ncompact INBOX\nadd INBOX - z1\ncompact INBOX\nflags INBOX 1 9 S\n",
    "index rebuild": SETUP + "lose INBOX\nadd INBOX - z1\nflags INBOX 1 9 F\n",
    "folders": SETUP + "create A\nadd A S b1\nrename A B/C\nsubscribe B/C\nadd B/C - b2\nmove B/C 1 9 INBOX\n"
               "delete B/C\ncreate A\nadd A - z1\n",
}


class Facts:
    """What clients had been told by then."""

    def __init__(self, notes):
        self.added, self.seen, self.away, self.left, self.told = [], [], set(), [], set()
        self.lost = False
        for note in notes:
            word, _, rest = note.partition(" ")
            if word == "lost":
                self.lost = True
            if " " not in rest:
                continue
            box, uidvalidity, uid, body = rest.split(" ")
            key = (box, int(uidvalidity), int(uid))
            if word in ("leaving", "moving"):
                self.away.add(key)
            if word == "leaving":
                self.told.add(body)
            if word in ("added", "seen", "left"):
                getattr(self, word).append((key, body))


class Look:
    """What mail_look found: folders by id, each (UIDVALIDITY, {uid: body}, next UID)."""

    def __init__(self, text, status):
        self.problems = []
        passes = text.split("again\n")
        self.folders = self.parse(passes[0])
        if status != 0 or len(passes) != 2:
            self.problems.append(f"mail_look ended with {status}")
            return
        for box, (uidvalidity, mails, following) in self.parse(passes[1]).items():
            before = self.folders.get(box)
            if before is None or before[0] != uidvalidity:
                self.problems.append(f"{box} has another id or UIDVALIDITY the next time")
            elif mails != {**before[1], before[2]: "more"}:
                self.problems.append(f"{box} holds {mails} the next time, after {before[1]} and {before[2]}; {following}")

    def parse(self, text):
        folders, current = {}, None
        for line in text.split("\n"):
            word, _, rest = line.partition(" ")
            if word == "folder":
                _, box, uidvalidity, _ = rest.rsplit(" ", 3)
                current = folders.setdefault(box, [int(uidvalidity), {}, 0])
            elif word == "mail":
                uid, _, body = rest.partition(" ")
                current[1][int(uid)] = body
                if body.startswith("damaged"):
                    self.problems.append(f"message {uid} is {body}")
            elif word == "next":
                current[2] = int(rest)
            elif word == "trouble":
                self.problems.append(rest)
        return folders


def compare(facts, look, files=frozenset()):
    """The invariant; yields what is wrong. FILES: bodies in new/ and cur/. A change that falls into the same tick of the
    clock as the last one that the index knows is found later, within an hour (lib/mailbox/README)."""
    yield from look.problems
    bodies = {body for _, mails, _ in look.folders.values() for body in mails.values()}
    for key, body in facts.added:
        box, uidvalidity, uid = key
        if body not in bodies and body not in facts.told and body not in files:
            yield f"{body} was told to be there, and is gone"
        folder = look.folders.get(box)
        # UID 0: the index could not be written, and a scan gives one later.
        if folder is None or facts.lost or uid == 0 or key in facts.away:
            continue
        if folder[0] != uidvalidity:
            yield f"UIDVALIDITY {uidvalidity} became {folder[0]}, and nothing was lost"
        elif folder[1].get(uid) != body:
            yield f"UID {uid} was {body}, and is {folder[1].get(uid)}"
    for (box, uidvalidity, uid), body in facts.seen:
        folder = look.folders.get(box)
        if folder is None or folder[0] != uidvalidity:
            continue
        if folder[1].get(uid, body) != body:
            yield f"UID {uid} was {body}, and is {folder[1][uid]} now"
        if folder[2] <= uid:
            yield f"UID {folder[2]} is given after {uid} was"
    for (box, uidvalidity, uid), body in facts.left:
        folder = look.folders.get(box)
        if folder is not None and folder[0] == uidvalidity and folder[1].get(uid) == body:
            yield f"{body} was expunged, and has its UID {uid} again"
        if sum(1 for _, other in facts.seen if other == body) == 1 and body in bodies:
            yield f"{body} was expunged, and is back"


class Mail:
    """Runs the programs."""

    def __init__(self, build):
        self.acts = build / "tests" / "crash" / "mail_acts"
        self.look = build / "tests" / "crash" / "mail_look"

    def act(self, script, home, plan):
        done = subprocess.run([self.acts, home], input=script, text=True, capture_output=True, check=False, timeout=60,
                              env={**os.environ, "POSTERN_FAULT_MAP": str(plan.path)})
        if done.returncode not in (0, -9):
            raise RuntimeError(f"mail_acts ended with {done.returncode}: {done.stderr[-300:]}")
        return done.returncode

    def found(self, home):
        done = subprocess.run([self.look, home], text=True, capture_output=True, check=False, timeout=60, errors="replace")
        return Look(done.stdout, done.returncode)


@contextlib.contextmanager
def plan_in(path, log_bytes=1 << 20):
    plan = FaultMap(str(path / "plan"), log_bytes)
    try:
        yield plan
    finally:
        plan.close()
        os.unlink(plan.path)


def run_once(mail, script, error, at):
    """(calls that counted, did the fault come, what is wrong)"""
    with Place() as place, plan_in(place) as plan:
        home = place / "home"
        home.mkdir()
        plan.arm("mail_acts", at, error)
        mail.act(script, home, plan)
        notes = [record.result for record in plan.records() if record.kind == "note"]
        problems = list(compare(Facts(notes), mail.found(home)))
        return plan.count(), plan.fired(), problems


def faults(options, report):
    """The n-th call fails or is the last, for n = 1, 2, ... until a run gets through."""
    mail = Mail(options.build)
    for name, script in SCENARIOS.items():
        calls, _, problems = run_once(mail, script, "EIO", 0)
        tried = 0
        for error in ("kill", "EIO", "ENOSPC", "EDQUOT", "EMFILE"):
            clock = Clock(options.budget(0.25))
            most = None if options.full else 40
            for at in spread(calls, options.choose(f"{name} {error}"), most):
                if clock.over():
                    break
                _, fired, wrong = run_once(mail, script, error, at)
                tried += 1
                if not fired:
                    problems.append(f"{error} at {at} of {calls}: it did not come")
                problems += [f"{error} at call {at}: {text}" for text in wrong]
        if options.full:
            _, fired, wrong = run_once(mail, script, "kill", calls + 1)
            problems += ["the run that should get through did not"] * bool(fired) + wrong
        report.tell(f"mailbox: {name}, with faults and kills", problems, f"{tried} runs of {calls} calls")


def cuts(script, mail, ordered, choose, samples, fails=0):
    """Records one run, in which the FAILS-th sync fails; yields (tree, notes so far, the last call) for each state that a
    power cut may leave."""
    with Place() as place, plan_in(place, 16 << 20) as plan:
        home = place / "home"
        home.mkdir()
        if fails:
            plan.arm("mail_acts", fails, "EIO", SYNCS)
        model = disk.Disk({"home": home}, ordered)
        mail.act(script, home, plan)
        notes = []
        for record in plan.records():
            if record.kind == "note":
                notes.append(record.result)
            elif record.kind in CHANGES:
                model.follow(record)
            else:
                continue
            if notes:
                for tree in disk.states(model, choose, samples):
                    yield tree, tuple(notes), disk.told(record)


def check_state(mail, tree, notes):
    with Place() as place:
        disk.write_tree(tree, {"home": place / "home"})
        return list(compare(Facts(notes), mail.found(place / "home"), files_in(tree)))


def files_in(tree):
    """Bodies of all messages in a tree."""
    found = set()
    for path, data in tree.items():
        if isinstance(data, bytes) and path.split("/")[-2] in ("new", "cur") and data.startswith(b"Subject: "):
            found.add(data.split(b"\n")[0].removeprefix(b"Subject: ").decode("ascii", "replace"))
    return found


def power(options, report):
    """Every disk that a power cut may leave; in a part run, some of them."""
    mail = Mail(options.build)
    for name, script in SCENARIOS.items():
        for ordered in (False, True):
            model = "ext4" if ordered else "strict"
            choose = options.choose(f"power {name} {model}")
            found = {}
            for tree, notes, call in cuts(script, mail, ordered, choose, 24 if options.full else 6):
                found.setdefault((disk.fingerprint(tree), notes), (tree, call))
            keys = list(found)
            choose.shuffle(keys)
            clock, problems, checked = Clock(options.budget(0.5)), [], 0
            for key in keys:
                if clock.over():
                    break
                tree, call = found[key]
                checked += 1
                problems += [f"cut after {call}, {len(key[1])} notes: {text}" for text in check_state(mail, tree, key[1])]
            report.tell(f"mailbox: {name}, after power cuts ({model})", problems, f"{checked} of {len(keys)} disks")
        failing_syncs(mail, options, report, name, script)
    liar(mail, options, report)


def failing_syncs(mail, options, report, name, script):
    """A sync fails, and what it could not write is lost with the next power cut, whatever later syncs say."""
    with Place() as place, plan_in(place) as plan:
        (place / "home").mkdir()
        plan.arm("mail_acts", 0, "EIO", SYNCS)
        mail.act(script, place / "home", plan)
        syncs = plan.count()
    choose = options.choose(f"syncs {name}")
    clock, problems, checked = Clock(options.budget(0.5)), [], 0
    for at in spread(syncs, choose, None if options.full else 4):
        found = {}
        for tree, notes, call in cuts(script, mail, False, choose, 6 if options.full else 3, at):
            found.setdefault((disk.fingerprint(tree), notes), (tree, call))
        keys = list(found)
        choose.shuffle(keys)
        for key in keys[:400 if options.full else 25]:
            if clock.over():
                break
            tree, call = found[key]
            checked += 1
            problems += [f"sync {at} fails, cut after {call}, {len(key[1])} notes: {text}"
                         for text in check_state(mail, tree, key[1])]
    report.tell(f"mailbox: {name}, a sync fails and the power goes", problems, f"{checked} disks, {syncs} syncs")


def liar(mail, options, report):
    """A disk that syncs no files must be found out, or all of the above proves nothing."""
    honest = disk.Disk.HANDLERS
    disk.Disk.HANDLERS = {kind: handler for kind, handler in honest.items() if kind not in ("fsync", "fdatasync")}
    try:
        lost = False
        for tree, notes, _ in cuts(SCENARIOS["delivery"], mail, False, options.choose("liar"), 6):
            if lost := any("is gone" in text for text in check_state(mail, tree, notes)):
                break
        report.tell("mailbox: a disk that syncs nothing loses mail", [] if lost else ["nothing was found to be lost"])
    finally:
        disk.Disk.HANDLERS = honest
