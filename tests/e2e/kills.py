"""kill -9 of each daemon while 500 messages are on their way, here and to another host, with readers looking on, programs
using sendmail and messages bouncing: every message that was taken arrives. Run by tests/e2e/run."""

import contextlib
import imaplib
import poplib
import smtplib
import subprocess
import threading
import time

from common import PASSWORD, imap, run
from suite import wait_for

MESSAGES = 500
NOTES = 20  # by sendmail
BOUNCES = 20
KILLED = ("smtpd", "rewrite", "anvil", "smtp", "dns", "pickup", "authd", "local", "deliverer", "bounce", "imapd", "imapuser",
          "pop3d", "pop3user", "qmgr", "log")
KILLED_FAR = ("smtpd", "local", "deliverer", "qmgr")


class Worker(threading.Thread):
    """Does one thing after the other until it is told to stop; what fails is tried again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.errors = []

    def attempt(self, action):
        """Whether it went well."""
        try:
            action()
            return True
        except (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto, AssertionError,
                subprocess.SubprocessError) as e:
            self.errors.append(repr(e))
            time.sleep(0.02)  # a client that is refused tries again, but not at once
            return False


class Sender(Worker):
    """Sends messages until each has got its 250; says which. TARGETS: (sender, recipient), in turn."""

    def __init__(self, suite, numbers, targets, word="kill"):
        super().__init__()
        self.suite = suite
        self.numbers = list(numbers)
        self.targets = targets
        self.word = word
        self.taken = []
        self.client = None

    def send(self):
        number = self.numbers[0]
        if self.client is None:
            self.client = smtplib.SMTP(self.suite.address, self.suite.ports["smtp"], timeout=20)
        self.client.sendmail(*self.targets[number % len(self.targets)],
                             f"Subject: {self.word} {number}\r\n\r\n{'text ' * 100}\r\n".encode())
        self.taken.append(self.numbers.pop(0))

    def run(self):
        until = time.monotonic() + 60
        while self.numbers and time.monotonic() < until:
            if not self.attempt(self.send) and self.client:
                self.client.close()
                self.client = None
        if self.client:
            self.client.close()


class Writer(Worker):
    """Uses sendmail, which works whatever has been killed."""

    def __init__(self, suite):
        super().__init__()
        self.suite = suite

    def run(self):
        command = [str(self.suite.tool("sendmail")), "-C", str(self.suite.config), "-f", "bert@example.test", "anna@example.test"]
        for number in range(NOTES):
            self.attempt(lambda n=number: run(command, f"Subject: note {n}\n\nhello\n"))
            self.stopping.wait(0.1)


class Reader(Worker):
    """Looks into anna's mailbox over IMAP and POP3, again and again."""

    def __init__(self, suite, look):
        super().__init__()
        self.suite = suite
        self.look = look
        self.looks = 0

    def run(self):
        while not self.stopping.is_set():
            self.looks += self.attempt(lambda: self.look(self.suite))


def look_by_imap(suite):
    with imap(suite, "anna") as client:
        for _ in range(5):
            kind, _ = client.select("INBOX")
            assert kind == "OK"
            client.fetch("1:*", "(FLAGS)")


def look_by_pop3(suite):
    client = poplib.POP3(suite.address, suite.ports["pop3"], timeout=10)
    try:
        client.user("bert")
        client.pass_(PASSWORD)
        client.uidl()
        client.stat()
        client.quit()
    finally:
        client.close()


def numbers_of(suite, account, word):
    """The numbers of the messages `Subject: WORD NUMBER`, each as often as it is there."""
    found = []
    for path in suite.messages(account):
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
            if f"\nSubject: {word} " in text:
                found.append(int(text.split(f"\nSubject: {word} ")[1].split()[0]))
    return found


def kill_in_turn(suite, senders):
    """Kills all kinds of daemons while messages are taken; how many it was able to kill, by name."""
    killed = []
    turns = [(suite, kind) for kind in KILLED]
    turns[3:3] = [(suite.far, kind) for kind in KILLED_FAR]

    def taken():
        return sum(len(s.taken) for s in senders)

    for turn, (victim, kind) in enumerate(turns, 1):
        goal = MESSAGES * turn // (len(turns) + 1)
        wait_for(f"{goal} messages before {kind} is killed", 30, lambda least=goal: taken() >= least)
        victim.kill(kind, seconds=20)  # the first that comes by
        killed.append(f"{victim.name}.{kind}")
    return killed


def everything_arrives(suite):
    """Waits, with a push now and then, until all is there; the number of copies more than one."""
    wanted = ((suite, "anna", "kill", range(0, MESSAGES, 2)), (suite.far, "anna", "kill", range(1, MESSAGES, 2)),
              (suite, "anna", "note", range(NOTES)), (suite, "bert", "bounce", range(BOUNCES)))

    def missing():
        return [f"{where.name} {account}: {word} {sorted(left)[:10]}" for where, account, word, numbers in wanted
                if (left := set(numbers) - set(numbers_of(where, account, word)))]

    deadline = time.monotonic() + 60
    while (left := missing()) and time.monotonic() < deadline:
        for each in (suite, suite.far):
            run([str(each.tool("postqueue")), "-c", str(each.config), "-f"])
        time.sleep(0.2)
    assert not left, "not arrived: " + "; ".join(left)
    return sum(len(found := numbers_of(where, account, word)) - len(set(found)) for where, account, word, _ in wanted)


def test_nothing_taken_is_lost_when_daemons_are_killed(suite):
    targets = (("bert@example.test", "anna@example.test"), ("bert@example.test", "anna@far.test"))
    senders = [Sender(suite, range(i, MESSAGES, 5), targets) for i in range(5)]
    strayer = Sender(suite, range(BOUNCES), [("bert@example.test", "nobody@far.test")], "bounce")
    others = [strayer, Writer(suite), Reader(suite, look_by_imap), Reader(suite, look_by_pop3)]
    for worker in senders + others:
        worker.start()
    try:
        killed = kill_in_turn(suite, senders)
    finally:
        for sender in [*senders, strayer]:
            sender.join(70)
        for other in others:
            other.stopping.set()
            other.join(30)
    errors = [e for worker in senders + others for e in worker.errors]
    taken = sorted(n for s in senders for n in s.taken)
    assert taken == list(range(MESSAGES)), f"{len(taken)} of {MESSAGES} were taken; {errors[-3:]}"
    assert len(strayer.taken) == BOUNCES, errors[-3:]
    assert others[2].looks and others[3].looks, f"nobody could read: {errors[-3:]}"
    again = everything_arrives(suite)
    assert again < MESSAGES // 4, f"{again} copies too many: more than were on their way when a daemon was killed"
    with imap(suite, "anna") as client:
        client.select("INBOX")
        seen = client.search(None, "SUBJECT", '"kill "')[1][0].split()
    assert len(seen) >= MESSAGES // 2, f"IMAP shows {len(seen)}"
    return f"killed {', '.join(killed)}; {len(errors)} attempts failed, {again} copies too many"
