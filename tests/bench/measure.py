"""What every case needs: CPU time of all processes of a suite, rounds taken in turns, medians, tables.

CPU time comes from a cpuacct control group of our own (cgroup v1 or v2) that a suite is born in, so that processes which
have ended are counted too. Machines without one get the sum over /proc, without what has ended meanwhile.
"""

import contextlib
import os
import pathlib
import statistics
import time

CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct")
UNIFIED = pathlib.Path("/sys/fs/cgroup")


class Group:
    """A control group; processes started within entered() belong to it, and so do their children."""

    def __init__(self, name):
        base = CPUACCT if CPUACCT.is_dir() else UNIFIED
        self.path = base / f"postern-bench-{os.getpid()}-{name}"
        with contextlib.suppress(FileExistsError):
            self.path.mkdir()
        self.home = base

    @contextlib.contextmanager
    def entered(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        try:
            yield
        finally:
            (self.home / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def pids(self):
        return [int(p) for p in (self.path / "cgroup.procs").read_text(encoding="ascii").split()]

    def seconds(self):
        usage = self.path / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text(encoding="ascii")) / 1e9
        for line in (self.path / "cpu.stat").read_text(encoding="ascii").split("\n"):
            if line.startswith("usage_usec"):
                return int(line.split()[1]) / 1e6
        raise OSError("no CPU time of a control group")

    def remove(self):
        with contextlib.suppress(OSError):
            self.path.rmdir()


def pss(pids):
    """Proportional set size of processes, bytes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").split("\n"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def available():
    """MemAvailable, bytes."""
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").split("\n"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("no MemAvailable")


def wait_until(what, seconds, probe, pause=0.01):
    until = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)


class Table:
    """Rows of figures: one per (case, measure), a column for us and one for the peer."""

    def __init__(self, title, peer):
        self.title = title
        self.peer = peer
        self.rows = []

    def add(self, what, unit, ours, peers, more_is_better, goal=None):
        """OURS and PEERS are the figures of all rounds; PEERS may be empty."""
        mine = statistics.median(ours)
        theirs = statistics.median(peers) if peers else None
        factor = None
        if theirs:
            factor = mine / theirs if more_is_better else theirs / mine
        self.rows.append((what, unit, mine, theirs, factor, goal))
        ratio = f"{factor:.2f} x" if factor else "-"
        print(f"  {what}: {mine:.4g} {unit}, {self.peer} {'-' if theirs is None else f'{theirs:.4g}'}, {ratio}",
              flush=True)

    def markdown(self):
        lines = [f"### {self.title}", "", f"| case | unit | Postern | {self.peer} | better by | goal |",
                 "| --- | --- | ---: | ---: | ---: | ---: |"]
        for what, unit, mine, theirs, factor, goal in self.rows:
            lines.append("| {} | {} | {} | {} | {} | {} |".format(
                what, unit, figure(mine), "-" if theirs is None else figure(theirs),
                "-" if factor is None else f"{factor:.2f} x", goal or "-"))
        return "\n".join(lines) + "\n"


def figure(x):
    """Three significant digits, as people write them."""
    if x >= 100:
        return f"{x:,.0f}"
    return f"{x:.3g}" if x >= 1 else f"{x:.3f}"


def in_turns(rounds, sides, measure):
    """{side: [measure(side) of each round]}: A B, A B, ... so that what else runs hits both."""
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            found[side].append(measure(side))
    return found
