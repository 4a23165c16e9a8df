"""IMAP with clients that others wrote: Python's imaplib, curl, mbsync. Run by tests/e2e/run."""

import email.utils
import imaplib
import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import time

imaplib._MAXLINE = 10_000_000
ACCOUNTS = ("imaplib", "imapcurl", "mbsync", "imaptls", "imapmany")


def program(command, seconds=60, **more):
    done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:]}")
    return done.stdout


def good(answer):
    kind, data = answer
    assert kind == "OK", answer
    return data


def client(suite, account):
    c = imaplib.IMAP4(suite.address, suite.ports["imap"], timeout=30)
    good(c.login(account, "secret"))
    return c


def message(number, lines=3):
    body = "".join(f"line {i} of message {number}\r\n" for i in range(lines))
    return (f"From: Anna <anna@example.test>\r\nTo: bert@example.test\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}@example.test>\r\nDate: {email.utils.formatdate(number * 86400)}\r\n\r\n{body}").encode()


def literal(data):
    """The bytes of the only literal in an answer of fetch()."""
    return next(part[1] for part in data if isinstance(part, tuple))


def test_imaplib_keeps_what_it_is_given(suite):
    c = client(suite, "imaplib")
    texts = [message(n, n * 7 % 50) for n in range(1, 101)] + [message(101, 30000)]
    for n, text in enumerate(texts, 1):
        said = good(c.append("INBOX", r"(\Seen)" if n % 2 else None, imaplib.Time2Internaldate(n * 86400), text))
        assert f"APPENDUID {said[0].decode().split()[1]} {n}]" in said[0].decode(), said
    assert good(c.select("INBOX"))[0] == b"101"
    for n in (1, 2, 50, 100, 101):
        assert literal(good(c.fetch(str(n), "(BODY.PEEK[])"))) == texts[n - 1], n
        head, _, body = texts[n - 1].partition(b"\r\n\r\n")
        assert literal(good(c.fetch(str(n), "(BODY.PEEK[HEADER])"))) == head + b"\r\n\r\n"
        assert literal(good(c.fetch(str(n), "(BODY.PEEK[TEXT])"))) == body
    whole = b"".join(literal(good(c.fetch("101", f"(BODY.PEEK[]<{at}.65536>)"))) for at in range(0, len(texts[100]), 65536))
    assert whole == texts[100], "fetched in pieces it is another message"
    flags = good(c.fetch("1:101", "(FLAGS)"))
    assert sum(rb"\Seen" in line for line in flags) == 51, flags
    dates = good(c.fetch("1,101", "(INTERNALDATE RFC822.SIZE)"))
    assert b"02-Jan-1970" in dates[0] or b" 2-Jan-1970" in dates[0], dates
    c.logout()


def test_imaplib_folders_copies_and_expunges(suite):
    c = client(suite, "imaplib")
    good(c.create("Archive/Old"))
    good(c.subscribe("Archive/Old"))
    assert any(b"Archive/Old" in line for line in good(c.lsub()))
    good(c.select("INBOX"))
    good(c.copy("1:50", "Archive/Old"))
    assert good(c.status("Archive/Old", "(MESSAGES UNSEEN)"))[0].endswith(b"(MESSAGES 50 UNSEEN 25)")
    good(c.uid("MOVE", "51:60", "Archive/Old"))
    good(c.store("1:10", "+FLAGS", r"(\Deleted)"))
    good(c.expunge())
    assert good(c.select("INBOX"))[0] == b"81"
    good(c.select("Archive/Old", readonly=True))
    assert literal(good(c.fetch("60", "(RFC822)"))) == message(60, 60 * 7 % 50)
    good(c.close())
    good(c.rename("Archive/Old", "Archive/New"))
    good(c.delete("Archive/New"))
    assert c.select("Archive/New")[0] == "NO"
    c.logout()


def test_imaplib_searches(suite):
    c = client(suite, "imaplib")
    good(c.select("INBOX"))
    assert good(c.search(None, "SUBJECT", '"message 77"')) == [b"57"]
    assert good(c.uid("SEARCH", None, "TEXT", '"of message 77"')) == [b"77"]
    assert good(c.search(None, "ALL"))[0].split()[-1] == b"81"
    c.logout()


def test_imaplib_over_tls(suite):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for tls in (True, False):
        if tls:
            c = imaplib.IMAP4_SSL(suite.address, suite.ports["imaps"], ssl_context=context, timeout=30)
        else:
            c = imaplib.IMAP4(suite.address, suite.ports["imap"], timeout=30)
            good(c.starttls(ssl_context=context))
        good(c.authenticate("PLAIN", lambda _: b"\0imaptls\0secret"))
        text = message(int(tls) + 1, 5000)
        good(c.append("INBOX", None, None, text))
        count = good(c.select("INBOX"))[0].decode()
        assert literal(good(c.fetch(count, "(BODY[])"))) == text
        c.logout()


def test_curl_reads_and_writes_over_imap(suite):
    url = f"imap://{suite.address}:{suite.ports['imap']}"
    who = ["curl", "-sS", "-u", "imapcurl:secret"]
    path = suite.dir / "curl-imap.eml"
    path.write_bytes(message(7))
    program([*who, f"{url}/INBOX", "-T", str(path)])
    assert program([*who, f"{url}/INBOX;MAILINDEX=1"]) == message(7)
    assert program([*who, f"{url}/INBOX;MAILINDEX=1;SECTION=TEXT"]) == message(7).partition(b"\r\n\r\n")[2]
    assert b'"INBOX"' in program([*who, f"{url}/"])
    assert b"* SEARCH 1" in program([*who, f"{url}/INBOX?SUBJECT%20message"])
    assert b"(MESSAGES 1)" in program([*who, f"{url}/", "-X", "STATUS INBOX (MESSAGES)"])
    assert program(["curl", "-sSk", "-u", "imapcurl:secret",
                    f"imaps://{suite.address}:{suite.ports['imaps']}/INBOX;MAILINDEX=1"]) == message(7)


MBSYNC = """
IMAPStore far
Host {host}
Port {port}
User mbsync
Pass secret
SSLType None
AuthMechs LOGIN

MaildirStore near
Path {dir}/
Inbox {dir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""


def near_messages(near, folder="INBOX"):
    found = {}
    for part in ("new", "cur"):
        directory = near / folder / part
        for name in os.listdir(directory) if directory.is_dir() else ():
            text = (directory / name).read_bytes()
            found[re.search(rb"^Subject: (.*)$", text, re.M).group(1).decode()] = directory / name
    return found


def test_mbsync_keeps_both_sides_the_same(suite):
    if not shutil.which("mbsync"):
        print("# skipped - mbsync is not installed", file=sys.stderr)
        return
    near = suite.dir / "near"
    near.mkdir()
    rc = suite.dir / "mbsyncrc"
    rc.write_text(MBSYNC.format(host=suite.address, port=suite.ports["imap"], dir=near), encoding="ascii")
    sync = ["mbsync", "-c", str(rc), "-a"]
    c = client(suite, "mbsync")
    for n in range(1, 41):
        good(c.append("INBOX", r"(\Seen)" if n <= 10 else None, None, message(n)))
    good(c.create("Sent"))
    good(c.append("Sent", r"(\Seen)", None, message(99)))
    program(sync)
    assert len(near_messages(near)) == 40 and len(near_messages(near, "Sent")) == 1
    # Both sides change: flags, a removal, a new message and a new folder.
    mine = near_messages(near)
    path = mine["message 11"]
    path.rename(near / "INBOX" / "cur" / (path.name.split(":")[0] + ":2,FS"))
    mine["message 12"].unlink()
    (near / "INBOX" / "new" / "1.near").write_bytes(message(41).replace(b"\r\n", b"\n"))
    good(c.select("INBOX"))
    good(c.store("13", "+FLAGS", r"(\Flagged)"))
    good(c.store("14", "+FLAGS", r"(\Deleted)"))
    good(c.expunge())
    program(sync)
    program(sync)
    mine = near_messages(near)
    assert sorted(mine) == sorted(f"message {n}" for n in range(1, 42) if n not in (12, 14)), sorted(mine)
    assert "F" in mine["message 13"].name.rpartition(":2,")[2], mine["message 13"]
    good(c.select("INBOX"))
    there = good(c.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
    flags = {re.search(rb"Subject: (message \d+)", part[1]).group(1).decode(): part[0] + rest
             for part, rest in zip(there[::2], there[1::2])}
    assert sorted(flags) == sorted(mine), sorted(flags)
    assert rb"\Flagged" in flags["message 11"] and rb"\Seen" in flags["message 11"], flags["message 11"]
    c.logout()


class Watcher:
    """A session that believes what it is told: sequence numbers, UIDs and flags, from untagged data alone."""

    def __init__(self, suite, account, read_only=False):
        self.c = client(suite, account)
        self.sock = self.c.sock
        self.file = self.c.file
        self.count = 0
        self.uids = []  # None: not told yet
        self.flags = {}
        self.saw = 0
        self.run("EXAMINE INBOX" if read_only else "SELECT INBOX")
        self.learn()

    def take(self, line):
        if found := re.match(rb"\* (\d+) EXISTS", line):
            assert int(found[1]) >= len(self.uids), f"EXISTS {found[1]} with {len(self.uids)} messages"
            self.uids += [None] * (int(found[1]) - len(self.uids))
        elif found := re.match(rb"\* (\d+) EXPUNGE", line):
            assert 1 <= int(found[1]) <= len(self.uids), f"EXPUNGE {found[1]} of {len(self.uids)}"
            gone = self.uids.pop(int(found[1]) - 1)
            self.flags.pop(gone, None)
        elif found := re.match(rb"\* (\d+) FETCH \(UID (\d+)(?: FLAGS \(([^)]*)\))?", line):
            number, uid = int(found[1]), int(found[2])
            assert 1 <= number <= len(self.uids), f"FETCH {number} of {len(self.uids)}"
            assert self.uids[number - 1] in (None, uid), f"{number} is UID {self.uids[number - 1]}, not {uid}"
            self.uids[number - 1] = uid
            if found[3] is not None:
                self.flags[uid] = set(found[3].split()) - {rb"\Recent"}
        self.saw += 1

    def run(self, command):
        self.sock.sendall(b"w " + command.encode() + b"\r\n")
        while not (line := self.file.readline()).startswith(b"w "):
            assert line, f"closed after {command}"
            self.take(line)
            if b" EXPUNGE" in line:
                assert not re.match(r"(FETCH|STORE|SEARCH)", command), f"EXPUNGE with {command}"
        return line

    def learn(self):
        assert self.run("UID FETCH 1:* (FLAGS)").startswith(b"w OK")

    def pick(self, choose):
        return choose.randint(1, len(self.uids)) if self.uids else 1


FLAGS = (r"\Seen", r"\Flagged", r"\Answered", "$Label", r"\Deleted")


def random_command(choose, w):
    n, m = w.pick(choose), w.pick(choose)
    span = f"{min(n, m)}:{max(n, m)}"
    flag, sign = choose.choice(FLAGS), choose.choice("+-")
    return choose.choice((
        "NOOP", "CHECK", f"FETCH {span} (UID FLAGS)", f"STORE {n} {sign}FLAGS ({flag})", f"STORE {span} {sign}FLAGS ({flag})",
        f"STORE {n} {sign}FLAGS.SILENT ({flag})", "EXPUNGE", f"COPY {n} INBOX", f"MOVE {n} Other", "UID EXPUNGE 1:*",
        f"UID STORE 1:* {sign}FLAGS ({flag})", "SEARCH ALL", "STATUS INBOX (MESSAGES UNSEEN)", "UID FETCH 1:* (FLAGS)"))


def test_many_sessions_agree_on_what_is_there(suite):
    seed = int(os.environ.get("POSTERN_SEED") or time.time())
    choose = random.Random(seed)
    c = client(suite, "imapmany")
    good(c.create("Other"))
    watchers = [Watcher(suite, "imapmany", i == 3) for i in range(4)]
    silent = {}
    for step in range(700):
        w = choose.choice(watchers)
        if choose.random() < 0.15:
            good(c.append("INBOX", choose.choice((None, r"(\Seen)")), None, message(step)))
        command = random_command(choose, w)
        empty = not w.uids
        said = w.run(command)
        assert empty or not said.startswith(b"w BAD"), f"seed {seed}, step {step}: {command}: {said}"
        silent[id(w)] = silent.get(id(w), 0) + (".SILENT" in command)
    for w in watchers:
        w.run("NOOP")
    # Who saw all news knows what a new session is told; of its own silent changes a session was told nothing.
    fresh = Watcher(suite, "imapmany", True)
    for i, w in enumerate(watchers):
        told = dict(w.flags)
        before = list(w.uids)
        w.learn()
        assert w.uids == fresh.uids, f"seed {seed}: session {i} has {len(w.uids)} messages, a new one {len(fresh.uids)}"
        assert all(a in (None, b) for a, b in zip(before, w.uids)), f"seed {seed}: session {i}"
        assert w.flags == fresh.flags, f"seed {seed}: session {i}"
        if not silent.get(id(w)):
            wrong = [uid for uid, flags in told.items() if flags != w.flags[uid]]
            assert not wrong, f"seed {seed}: session {i} was not told of {wrong[:5]}"
    assert sum(w.saw for w in watchers) > 700
