"""Readers: logins, and the commands of one client over a large mailbox, beside Dovecot.

Both have the same messages in Maildirs of their own, put there as files, so that the first SELECT is of a Maildir that
nobody has looked at. What is cold is so for the server's index and cache; the kernel has the files in memory.
"""

import contextlib
import os
import pathlib
import pwd

import load
from dovecot import Dovecot
from measure import Group, Table, in_turns
from ours import Postern, free_port

MESSAGES = 10000
USERS = 50
LOGINS = 2000

IMAP = ("SELECT INBOX", "CLOSE", "SELECT INBOX", "FETCH 1:* (FLAGS)", "FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
        "FETCH 1:* (ENVELOPE BODYSTRUCTURE)", "FETCH 1:* (BODY.PEEK[])", "SEARCH HEADER SUBJECT 777",
        "SEARCH BODY nowhere", "STORE 1:1000 +FLAGS (\\Flagged)", "CREATE other", "COPY 1:1000 other",
        "STORE 1:1000 +FLAGS (\\Deleted)", "EXPUNGE")
POP3 = ("STAT", "LIST", "UIDL", "RETR 1:9000", "DELE 1:9000", "QUIT")


def message(i):
    lines = "".join(f"Line {n} of message {i}, which says nothing that anybody would want to read.\n" for n in range(40))
    return (f"From: Sender {i % 97} <sender{i % 97}@example.net>\nTo: Anna <anna@example.test>\nSubject: message {i}\n"
            f"Date: Mon, 23 Nov 2026 08:{i // 60 % 60:02}:{i % 60:02} +0000\nMessage-ID: <{i}@example.net>\n"
            f"MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n{lines}")


def fill(home, uid, gid):
    """MESSAGES in cur/ of a new Maildir."""
    top = pathlib.Path(home) / "Maildir"
    for path in (top, top / "cur", top / "new", top / "tmp"):
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, uid, gid)
    for i in range(MESSAGES):
        path = top / "cur" / f"{1700000000 + i}.M{i}P1.host:2,"
        path.write_text(message(i), encoding="ascii")
        os.chown(path, uid, gid)


@contextlib.contextmanager
def readers(bench):
    """Postern and Dovecot with the same accounts; anna and bert have mail."""
    users = ["anna", "bert", *(f"u{i}" for i in range(USERS))]
    vmail = pwd.getpwnam("vmail")
    with bench.directory() as base:
        postern = Postern(base, free_port(), Group("postern"), bench.prefix)
        postern.suite.accounts = users
        for service, program in (("imap", "imapd"), ("pop3", "pop3d")):
            postern.suite.listen(service, program)
        made = [postern]
        if not bench.alone:
            made.append(Dovecot(base / "dovecot", {"imap": free_port(), "pop3": free_port()}, Group("dovecot")))
            made[1].users = users
        for suite in made:
            suite.ports = getattr(suite, "ports", None) or postern.suite.ports
            for user in users[:2]:
                fill(suite.suite.home(user) if suite is postern else suite.home(user), vmail.pw_uid, vmail.pw_gid)
        try:
            for suite in made:
                suite.start()
            yield made
        finally:
            for suite in made:
                suite.stop()
                suite.group.remove()


def logins(suite, kind):
    port = suite.ports[kind.split("-", maxsplit=1)[0]]
    load.run(kind, port, USERS, 5, f"users={USERS}")
    cpu = suite.group.seconds()
    said = load.rate(load.run(kind, port, LOGINS, 10, f"users={USERS}"))
    return said, (suite.group.seconds() - cpu) / LOGINS * 1000


def timed(suite, kind, user, script):
    """Milliseconds of each command."""
    said = load.run(kind, suite.ports[kind], 1, 1, f"user={user}", *script)
    return [(line.split(" ", 1)[1], float(line.split()[0])) for line in said.splitlines()]


def tabulate(table, made, kind, user, script):
    found = [timed(suite, kind, user, script) for suite in made]
    seen = set()
    for i, (what, ms) in enumerate(found[0]):
        again, seen = ", again" if what in seen else "", seen | {what}
        what = what.replace("\\", "") + again
        table.add(f"{kind}: {what}", "ms", [ms], [found[1][i][1]] if len(found) > 1 else [], False, "1 x")


def read(bench):
    """Logins per second; one client's commands over 10,000 messages; on tmpfs."""
    table = Table(f"Readers: {MESSAGES:,} messages of 3 KiB, on tmpfs", "Dovecot")
    with readers(bench) as made:
        for kind in ("imap-login", "pop3-login"):
            found = in_turns(bench.rounds, made, lambda s, k=kind: logins(s, k))
            mine = found[made[0]]
            theirs = found[made[1]] if len(made) > 1 else []
            table.add(kind, "1/s", [f[0] for f in mine], [f[0] for f in theirs], True, "2 x")
            table.add(kind, "CPU s/1,000", [f[1] for f in mine], [f[1] for f in theirs], False)
        tabulate(table, made, "imap", "anna", IMAP)
        tabulate(table, made, "pop3", "bert", POP3)
    return table


CASES = {"read": read}
