"""SMTP sessions: what idle ones hold, and what TLS handshakes cost.

Memory is PSS of all processes of a suite, and the fall of MemAvailable, which counts the kernel's buffers of both ends
too. Handshakes are counted per second of the server's CPU, beside a bare OpenSSL loop with the same key and dialogue.
"""

import contextlib
import pathlib
import subprocess
import time

import load
from measure import Group, Table, available, in_turns, pss, wait_until
from case_relay import listens
from ours import free_port

STEPS = (1000, 5000)
SETTLE_S = 6  # Postern gives pages of waiting sessions back after some seconds
HANDSHAKES = 1500


def certificate(directory):
    """A key and a certificate in one file, as smtpd_tls_chain_files wants it."""
    path = pathlib.Path(directory) / "tls.pem"
    key, cert = path.with_suffix(".key"), path.with_suffix(".crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                    "/CN=mail.example.test", "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    path.write_text(key.read_text(encoding="ascii") + cert.read_text(encoding="ascii"), encoding="ascii")
    path.chmod(0o600)
    return path


def held(suite, count, words):
    """(PSS, fall of MemAvailable) of COUNT sessions, bytes, with all that the suite has without them."""
    free = available()
    with load.idle("smtp-idle", suite.port, count, 50, *words):
        time.sleep(SETTLE_S)
        return pss(suite.group.pids()), free - available()


def slopes(suite, words):
    few, many = [held(suite, n, words) for n in STEPS]
    wait_until("end of sessions", 60, lambda: True)
    span = STEPS[1] - STEPS[0]
    return (few[0] - (many[0] - few[0]) / span * STEPS[0], (many[0] - few[0]) / span, (many[1] - few[1]) / span)


def idle_smtp(bench):
    """Idle SMTP sessions, 1,000 and 5,000, plain and with TLS."""
    table = Table("Memory of idle SMTP sessions (slope between 1,000 and 5,000)", "Postfix")
    with bench.directory() as directory:
        lines = [f"smtpd_tls_chain_files = {certificate(directory)}", "smtpd_tls_security_level = may",
                 "smtpd_timeout = 600s"]
        for what, words, goal in (("plain", (), "64"), ("TLS", ("tls",), "96")):
            with bench.suites(lines, [*lines, "default_process_limit = 6000"]) as suites:
                found = [slopes(suite, words) for suite in suites]
            mine, theirs = found[0], found[1] if len(found) > 1 else None
            for i, (measure, unit, scale) in enumerate((("fixed part, PSS", "MiB", 2**20), ("a session, PSS", "KiB", 1024),
                                                        ("a session, MemAvailable", "KiB", 1024))):
                table.add(f"{what}: {measure}", unit, [mine[i] / scale], [theirs[i] / scale] if theirs else [], False,
                          goal if i else None)
    return table


class Bare:
    """tls_bare, with as much of a suite's face as a case needs."""

    def __init__(self, chain):
        self.group = Group("bare")
        self.port = free_port()
        self.chain = chain

    @contextlib.contextmanager
    def running(self):
        with self.group.entered():
            process = subprocess.Popen([load.program.with_name("tls_bare"), str(self.port), self.chain])
        wait_until("tls_bare", 10, lambda: listens(self.port))
        try:
            yield self
        finally:
            process.kill()
            process.wait()
            self.group.remove()


def handshakes(server, words):
    """Dialogues per second of the server's CPU."""
    load.run("smtp-tls", server.port, 50, 5, *words)
    cpu = server.group.seconds()
    load.run("smtp-tls", server.port, HANDSHAKES, 5, *words)
    return HANDSHAKES / (server.group.seconds() - cpu)


def tls(bench):
    """TLS handshakes per CPU second: Postern, a bare OpenSSL loop, Postfix."""
    table = Table("TLS handshakes per second of CPU, dialogue included", "bare OpenSSL")
    with bench.directory() as directory:
        chain = certificate(directory)
        lines = [f"smtpd_tls_chain_files = {chain}", "smtpd_tls_security_level = may"]
        with bench.suites(lines, lines) as suites, Bare(chain).running() as bare:
            for what, words, goal in (("full", (), "0.85 x"), ("resumed", ("resume",), "0.75 x")):
                found = in_turns(bench.rounds, [*suites, bare], lambda s, w=words: handshakes(s, w))
                table.add(what, "1/CPU s", found[suites[0]], found[bare], True, goal)
                if len(suites) > 1:
                    table.add(f"{what}, Postfix", "1/CPU s", found[suites[1]], found[bare], True)
    return table


CASES = {"idle-smtp": idle_smtp, "tls": tls}
