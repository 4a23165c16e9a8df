"""Relay: in from smtp-source, out to smtp-sink; to one destination, and to 50 that are told apart by their addresses.

A round is timed until the queue is empty: then all of it has been taken by the sink. The sink's CPU time is nobody's.
"""

import contextlib
import socket
import subprocess
import time

from case_smtp import SIZE, sides
from measure import Table, in_turns, wait_until
from ours import free_port

PILOT = 300
MOST = 30000
SESSIONS = 50


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def sink(port):
    """A server that takes everything and keeps nothing."""
    process = subprocess.Popen(["smtp-sink", "-u", "nobody", "-m", "10000", "-4", f":{port}", "1024"], stdout=subprocess.DEVNULL)
    try:
        wait_until("smtp-sink", 10, lambda: listens(port))
        yield process
    finally:
        process.kill()
        process.wait()


def routes(port, destinations):
    """Lines of main.cf, the same for both suites."""
    maps = ", ".join(f"{{ d{i}.example.net = smtp:[127.0.0.{i + 1}]:{port} }}" for i in range(destinations))
    return [f"transport_maps = inline:{{ {maps} }}", "smtp_tls_security_level = none", "relay_domains = "]


def source(suite, count, destinations):
    """One generator for each destination, all at one time."""
    share = count // destinations
    sessions = max(1, SESSIONS // destinations)
    running = [subprocess.Popen(["smtp-source", "-d", "-s", str(sessions), "-m", str(share), "-l", str(SIZE), "-f",
                                 "sender@example.test", "-t", f"someone@d{i}.example.net",
                                 f"127.0.0.1:{suite.port}"], stdout=subprocess.DEVNULL)
               for i in range(destinations)]
    for process in running:
        if process.wait(300) != 0:
            raise RuntimeError("smtp-source failed")
    return share * destinations


def send(suite, count, destinations):
    cpu = suite.group.seconds()
    begun = time.monotonic()
    count = source(suite, count, destinations)
    wait_until("relaying", 120, lambda: suite.queued() == 0)
    took = time.monotonic() - begun
    return count / took, (suite.group.seconds() - cpu) / count * 1000


def measure(suite, destinations, seconds):
    rate, _ = send(suite, PILOT, destinations)
    return send(suite, max(PILOT, min(MOST, int(rate * seconds))), destinations)


def relay(bench):
    """Relay of 4 KiB messages, in by 50 kept sessions, on tmpfs."""
    table = Table("Relay in -> out, 4 KiB messages, 50 kept sessions in, on tmpfs", "Postfix")
    port = free_port()
    for destinations in (1, 50):
        lines = routes(port, destinations)
        with sink(port), bench.suites(lines, lines) as suites:
            found = in_turns(bench.rounds, suites, lambda s, n=destinations: measure(s, n, bench.seconds))
            mine, theirs = sides(suites, found)
            what = f"to {destinations} destination{'s' if destinations > 1 else ''}"
            table.add(what, "messages/s", [f[0] for f in mine], [f[0] for f in theirs], True)
            table.add(what, "CPU s/1,000", [f[1] for f in mine], [f[1] for f in theirs], False, "5 x")
    return table


CASES = {"relay": relay}
