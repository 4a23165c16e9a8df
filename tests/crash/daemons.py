"""A running suite whose qmgr, deliverer, smtpd or bounce meets a fault, or dies, at the n-th call, n = 1, 2, ...

A batch of mail is sent with each fault, one of each kind. In the end nothing fails any more, and all that was taken has
arrived, once unless a process died while it was on its way; nothing is left in the queue, and fsck finds nothing.
"""

import shutil
import time

from common import Clock, spread
from suite import SuiteError, wait_for
from world import World, programs, ready

PROGRAMS = ("qmgr", "deliverer", "smtpd", "bounce")
ERRORS = ("kill", "EIO", "ENOSPC", "EDQUOT", "EMFILE")
KILLS = 3  # of one suite: then master waits longer and longer before it starts the next
PATIENCE = 2.5  # seconds for a batch; one whose retry is not due by then is looked for in the end


class Trial:
    """One program in one suite."""

    def __init__(self, world, program):
        self.world, self.program = world, program
        self.calls = 0
        self.tried = 0
        self.repeats = set()
        self.problems = []
        self.kills = 0

    def count(self):
        """How many calls a batch costs: the second one, when all processes are there."""
        world = self.world
        for _ in range(2):
            world.plan.arm(self.program, 0, "EIO")
            batch = world.batch()
            if not all(mail.taken for mail in batch) or not world.settled(batch, 10):
                self.problems.append(f"no fault, and {[mail.reply for mail in batch]}, {world.missing(batch)} missing")
            wait_for("an empty queue", 10, lambda: not world.queue_files())
            self.calls = world.plan.count()

    def one(self, error, at):
        world = self.world
        world.plan.arm(self.program, at, error)
        batch = world.batch()
        world.settled(batch, PATIENCE)
        fired = world.plan.fired()
        world.plan.disarm()
        self.tried += 1
        if error != "kill" or not fired:
            return
        self.kills += 1
        # All that was on its way, by whoever's hand: qmgr's list of windows (qmgr/README).
        self.repeats |= {key for mail in world.mails for key in world.due(mail)}
        world.suite.killed.update(self.dead())
        if self.kills % KILLS == 0:
            world.suite.kill_all()
            world.suite.start()

    def dead(self):
        """Pids that the log says were killed."""
        found = set()
        for line in self.world.suite.log_text().split("\n"):
            if "killed by signal" in line:
                found.add(int(line.split(" pid ")[1].split()[0]))
        return found

    def run(self, error, places, clock):
        for at in places:
            if clock.over():
                break
            try:
                self.one(error, at)
            except (SuiteError, OSError) as e:
                self.problems.append(f"{error} at call {at}: {e}")
                break

    def finish(self, errors):
        world = self.world
        world.plan.disarm()
        began = time.monotonic()
        self.problems += world.drain()
        self.problems += world.judge(self.repeats, "kill" in errors)
        self.problems += world.checked()
        if not world.suite.alive():
            self.problems.append("master has ended")
        self.problems += [line for line in world.suite.trouble() if "killed by signal" not in line]
        return time.monotonic() - began


def faults(options, report):
    why = ready(options.build)
    if why:
        report.skip("daemons", why)
        return
    prefix, copy = programs(options.build)
    try:
        for program in PROGRAMS:
            if options.full:
                for error in ERRORS:
                    in_one_suite(options, report, prefix, program, [error])
            else:
                in_one_suite(options, report, prefix, program, ERRORS)
    finally:
        if copy:
            shutil.rmtree(copy)


def in_one_suite(options, report, prefix, program, errors):
    """All of these faults, one suite after the other as kills end it."""
    title = f"daemons: {program}, " + ", ".join("killed" if error == "kill" else error for error in errors)
    clock = Clock(options.budget(6))
    with World(prefix) as world:
        trial = Trial(world, program)
        try:
            trial.count()
            for error in errors:
                places = spread(trial.calls, options.choose(f"{title} {error}"), None if options.full else 2)
                if options.full:
                    places.append(trial.calls + 1)
                trial.run(error, places, clock)
            drained = trial.finish(errors)
        except SuiteError as e:
            trial.problems.append(str(e))
            drained = 0
        report.tell(title, trial.problems,
                    f"{trial.tried} runs of {trial.calls} calls, {len(world.mails)} messages, drained in {drained:.1f} s")
        if trial.problems:
            print("".join(f"#   {line}\n" for line in world.suite.log_text().split("\n")[-25:]), flush=True)
