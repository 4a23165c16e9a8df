"""SMTP in -> Maildir: smtp-source of Debian's postfix on one side, the files in a Maildir on the other.

A round is timed from the first connection until the last message has its name in new/. The number of messages is what
the suite takes in a few seconds, so that slow and fast ones are measured over the same time.
"""

import subprocess
import time
from os import scandir

from measure import Table, in_turns, wait_until

SIZE = 4096
PILOT = 300
SECONDS = 3.0
MOST = 40000


def delivered(suite):
    try:
        with scandir(suite.new) as entries:
            return sum(1 for _ in entries)
    except FileNotFoundError:
        return 0


def source(suite, count, sessions, kept, recipient="anna@example.test"):
    command = ["smtp-source", "-s", str(sessions), "-m", str(count), "-l", str(SIZE), "-f", "sender@example.net", "-t",
               recipient, *(["-d"] if kept else []), f"127.0.0.1:{suite.port}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)


def send(suite, count, sessions, kept):
    """(messages/s, CPU seconds per 1,000 messages, accepted/s) of COUNT messages."""
    before = delivered(suite)
    cpu = suite.group.seconds()
    begun = time.monotonic()
    source(suite, count, sessions, kept)
    accepted = time.monotonic() - begun
    wait_until("delivery", 60, lambda: delivered(suite) >= before + count)
    took = time.monotonic() - begun
    cpu = suite.group.seconds() - cpu
    return count / took, cpu / count * 1000, count / accepted


def empty(suite):
    """So that no round pays for the messages of those before it."""
    folder = suite.new
    for entry in list(scandir(folder)):
        (folder / entry.name).unlink()


def measure(suite, sessions, kept, seconds):
    rate, _, _ = send(suite, PILOT, sessions, kept)
    count = max(PILOT, min(MOST, int(rate * seconds)))
    found = send(suite, count, sessions, kept)
    empty(suite)
    return found


def run(bench, title, loads, goals):
    tables = Table(title, "Postfix")
    with bench.suites() as suites:
        for sessions, kept in loads:
            what = f"{sessions} session{'s' if sessions > 1 else ''}, " + ("kept" if kept else "new connections")
            found = in_turns(bench.rounds, suites, lambda s, n=sessions, k=kept: measure(s, n, k, bench.seconds))
            mine, theirs = sides(suites, found)
            rate, cpu = goals(sessions, kept)
            tables.add(what, "messages/s", [f[0] for f in mine], [f[0] for f in theirs], True, rate)
            if cpu:
                tables.add(what, "CPU s/1,000", [f[1] for f in mine], [f[1] for f in theirs], False, cpu)
    return tables


def sides(suites, found):
    mine = found[suites[0]]
    return mine, found[suites[1]] if len(suites) > 1 else []


def smtp_in(bench):
    """SMTP in -> Maildir, 4 KiB messages, on tmpfs."""
    loads = [(n, kept) for n in (1, 10, 50) for kept in (False, True)]
    return run(bench, "SMTP in -> Maildir, 4 KiB messages, on tmpfs", loads,
               lambda n, kept: ("2 x" if n == 1 and not kept else "3 x", "5 x"))


def smtp_disk(bench):
    """The same on the disk that TMPDIR lies on, where syncs cost."""
    bench.place = bench.disk
    return run(bench, "SMTP in -> Maildir, 4 KiB messages, on disk", [(50, False), (50, True)],
               lambda n, kept: ("6 x", None))


CASES = {"smtp-in": smtp_in, "smtp-disk": smtp_disk}
