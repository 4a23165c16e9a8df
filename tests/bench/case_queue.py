"""A queue of deferred messages: how fast it fills, what it costs to keep and to look at, how fast it empties.

The destination is a port that nobody listens on until the flush. "First delivery" is of a fresh message to a Maildir,
sent as soon as the suite, started on the full queue, takes it.
"""

import subprocess
import time

from case_relay import routes, sink
from case_smtp import delivered, source
from measure import Table, pss, wait_until
from ours import free_port

COUNT = 20000
SESSIONS = 50


def fill(suite):
    begun = time.monotonic()
    subprocess.run(["smtp-source", "-d", "-s", str(SESSIONS), "-m", str(COUNT), "-l", "1000", "-f",
                    "sender@example.test", "-t", "someone@d0.example.net", f"127.0.0.1:{suite.port}"], check=True,
                   stdout=subprocess.DEVNULL, timeout=600)
    accepted = COUNT / (time.monotonic() - begun)
    wait_until("deferral", 300, lambda: suite.settled(COUNT), 0.2)
    return accepted


def first_line(suite):
    """Seconds until mailq says something, at best of three."""
    best = 1e9
    for _ in range(3):
        begun = time.monotonic()
        with subprocess.Popen(suite.mailq(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdout.readline()
            process.stdout.readline()
            best = min(best, time.monotonic() - begun)
            process.kill()
    return best


def restart(suite):
    suite.stop()
    begun = time.monotonic()
    suite.start()
    have = delivered(suite)
    while True:
        try:
            source(suite, 1, 1, True)
            break
        except subprocess.CalledProcessError:
            time.sleep(0.005)
    wait_until("first delivery", 60, lambda: delivered(suite) > have, 0.002)
    return time.monotonic() - begun


def flush(suite, port):
    with sink(port):
        begun = time.monotonic()
        suite.flush()
        wait_until("the flush", 600, lambda: suite.queued() == 0, 0.05)
        return time.monotonic() - begun


def measure(suite, port):
    before = pss(suite.pids("qmgr"))
    accepted = fill(suite)
    memory = (pss(suite.pids("qmgr")) - before) / COUNT
    line = first_line(suite)
    first = restart(suite)
    return accepted, line, memory, first, flush(suite, port)


def deferred(bench):
    """20,000 deferred messages, on tmpfs."""
    table = Table(f"{COUNT:,} deferred messages, on tmpfs", "Postfix")
    port = free_port()
    lines = [*routes(port, 1), "minimal_backoff_time = 4000s", "maximal_backoff_time = 4000s",
             "default_destination_concurrency_failed_cohort_limit = 0"]
    with bench.suites(lines, lines) as suites:
        found = [measure(suite, port) for suite in suites]
    mine, theirs = found[0], found[1] if len(found) > 1 else None
    rows = (("accepted", "messages/s", True, "3 x"), ("mailq, first line", "s", False, "0.05 s"),
            ("qmgr's memory", "bytes/message", False, "1,024"), ("start to first delivery", "s", False, "1 s"),
            ("flush", "s", False, "3 x"))
    for i, (what, unit, more, goal) in enumerate(rows):
        table.add(what, unit, [mine[i]], [theirs[i]] if theirs else [], more, goal)
    return table


CASES = {"queue": deferred}
