"""Accounts with uids of their own beside many accounts on one uid: whose processes and files are whose, and that both kinds
are delivered to and read. Run by tests/e2e/run; as root alone, since an ordinary user's suite has one uid."""

import os
import pathlib
import poplib
import pwd
import smtplib

from common import PASSWORD, drained, imap, imap_messages, run
from suite import wait_for

OWNERS = {f"own{i}": 61000 + i for i in range(12)}
SHARED = tuple(f"shared{i}" for i in range(12))
ACCOUNTS = (*OWNERS, *SHARED)


def uid_of(account):
    return OWNERS.get(account) or pwd.getpwnam("vmail").pw_uid


def process_uids(suite, kind):
    """The uids, real to file system, of all processes of that kind."""
    found = set()
    for pid in suite.pids(kind):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split("\n")
        found.update(int(uid) for line in lines if line.startswith("Uid:") for uid in line.split()[1:])
    return found


def test_uids_of_their_own(suite):
    if os.geteuid() != 0:
        return "one uid alone: not as an ordinary user"
    with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=20) as client:
        for number in range(3):
            client.sendmail("a@example.net", [f"{account}@example.test" for account in ACCOUNTS],
                            f"Subject: own {number}\r\n\r\nhello\r\n".encode())
    wait_for("a copy for each", 30, lambda: all(len(suite.messages(account)) == 3 for account in ACCOUNTS))
    drained(suite)
    assert process_uids(suite, "deliverer") >= {uid_of(account) for account in ACCOUNTS}
    for account in ACCOUNTS:
        for path in suite.messages(account):
            assert path.stat().st_uid == uid_of(account), path
            assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0, f"all may read {path}"
    return None


def test_uids_of_their_own_read(suite):
    if os.geteuid() != 0:
        return "one uid alone: not as an ordinary user"
    sessions = {account: imap(suite, account) for account in ACCOUNTS}
    for account, session in sessions.items():
        assert session.select("INBOX") == ("OK", [b"3"]), account
        session.store("2", "+FLAGS", r"(\Flagged)")
        session.create("Mine")
        session.copy("3", "Mine")
    assert process_uids(suite, "imapuser") >= {uid_of(account) for account in ACCOUNTS}
    for account, session in sessions.items():
        session.logout()
        for path in suite.home(account).rglob("*"):
            assert path.stat().st_uid == uid_of(account), path
        client = poplib.POP3(suite.address, suite.ports["pop3"], timeout=20)
        client.user(account)
        client.pass_(PASSWORD)
        assert client.stat()[0] == 3
        client.dele(1)
        client.quit()
        assert len(imap_messages(suite, account, "own", 2)) == 2


def test_below_a_directory_that_only_root_may_enter(suite):
    """As when root clones into its home and runs quickstart there."""
    if os.geteuid() != 0:
        return "not as an ordinary user"
    assert suite.stop() == 0
    suite.dir.chmod(0o700)
    try:
        suite.start()
        with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=20) as client:
            client.sendmail("a@example.net", ["own0@example.test", "shared0@example.test"], b"Subject: closed\r\n\r\nhello\r\n")
        run([str(suite.tool("sendmail")), "-C", str(suite.config), "own1@example.test"], "Subject: closed\n\nhello\n")
        for account in ("own0", "shared0", "own1"):
            assert len(imap_messages(suite, account, "closed")) == 1
        drained(suite)
        assert suite.stop() == 0
    finally:
        suite.dir.chmod(0o755)
        if not suite.alive():
            suite.start()
    return None
