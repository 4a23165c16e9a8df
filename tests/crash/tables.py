"""postmap under faults and kills: whoever asks gets the old answer or the new one, never none and never an error.

Power cuts are not tried: Berkeley DB writes the bytes itself, past our record.
"""

import os
import subprocess

from common import Clock, Place, spread
from faultmap import FaultMap
from world import ready

KINDS = ("hash", "btree")
ERRORS = ("kill", "EIO", "ENOSPC", "EDQUOT", "EMFILE")
ROWS = 200


class Table:
    """A table with an answer in it."""

    def __init__(self, program, place, kind):
        self.program, self.kind = program, kind
        self.source = place / "table"
        self.plan = FaultMap(str(place / "plan"))
        (place / "main.cf").write_text("", encoding="utf-8")
        self.config = place
        self.fill("old")
        self.build()

    def fill(self, answer):
        rows = [f"key{i} {answer}\n" for i in range(ROWS)]
        self.source.write_text("".join(rows), encoding="utf-8")

    def run(self, *arguments):
        return subprocess.run([self.program, "-c", self.config, *arguments, f"{self.kind}:{self.source}"], text=True,
                              capture_output=True, check=False, timeout=30,
                              env={**os.environ, "POSTERN_FAULT_MAP": str(self.plan.path)})

    def build(self):
        return self.run().returncode

    def answers(self):
        done = self.run("-q", f"key{ROWS - 1}")
        return done.stdout.strip() if done.returncode == 0 else f"nothing ({done.returncode}, {done.stderr.strip()})"


def one(program, kind, error, at):
    """(calls, did the fault come, what is wrong)"""
    with Place() as place:
        table = Table(program, place, kind)
        problems = [] if table.answers() == "old" else [f"no table to begin with: {table.answers()}"]
        table.fill("new")
        table.plan.arm("postmap", at, error)
        status = table.build()
        calls, fired = table.plan.count(), table.plan.fired()
        table.plan.disarm()
        got = table.answers()
        if got not in ("old", "new") or (got == "old" and status == 0):
            problems.append(f"postmap ended with {status}, and the answer is {got}")
        if table.build() != 0 or table.answers() != "new":
            problems.append(f"the next postmap does not bring the new table: {table.answers()}")
        names = {"main.cf", "plan", "table", "table.db"}
        problems += [f"{name} stays behind" for name in os.listdir(place) if name not in names]
        table.plan.close()
        return calls, fired, problems


def faults(options, report):
    why = ready(options.build)
    if why:
        report.skip("tables", why)
        return
    program = options.build / "tools" / "postmap"
    for kind in KINDS:
        calls, _, problems = one(program, kind, "EIO", 0)
        tried = 0
        clock = Clock(options.budget(2))
        for error in ERRORS:
            places = spread(calls, options.choose(f"{kind} {error}"), None if options.full else 8)
            for at in places:
                if clock.over():
                    break
                _, fired, wrong = one(program, kind, error, at)
                tried += 1
                problems += [f"{error} at call {at} of {calls}: it did not come"] * (not fired)
                problems += [f"{error} at call {at}: {text}" for text in wrong]
        report.tell(f"tables: {kind} built anew, with faults and kills", problems, f"{tried} runs of {calls} calls")
