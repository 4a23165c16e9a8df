"""A suite with all its daemons, a plan of faults that they share, mail that is sent into it, and what became of it.

Each message has a number, in its subject and in its last line, so that one that was cut short is known.
"""

import contextlib
import os
import re
import shutil
import smtplib
import subprocess
import time

from faultmap import FaultMap
from sink import Sink
from suite import Suite, SuiteError, install, make_users, reachable, temporary, wait_for

DAEMONS = ("qmgr", "smtpd", "local", "deliverer", "smtp", "bounce")
MAIN = """\
minimal_backoff_time = 1s
maximal_backoff_time = 1s
service_throttle_time = 1s
smtp_tls_security_level = none
mailbox_linger_time = 60s
relay_domains =
"""
LINES = 24  # of a message: more than a sector, so that it can be torn
DRAINED = 60  # seconds in which all must have arrived, once nothing fails any more


def ready(build):
    """Why these tests cannot run with this build; None when they can."""
    config = build / "config.h"
    if not config.exists() or not re.search(r"^#define POSTERN_PROOF", config.read_text(encoding="utf-8"), re.M):
        return "not a build with --enable-proof"
    return None


def programs(build):
    """(prefix, a copy to be removed): where the suite's users can reach it."""
    prefix = install(build)
    if os.geteuid() != 0:
        return prefix, None
    make_users()
    if reachable(prefix):
        return prefix, None
    copy = temporary()
    subprocess.run(["cp", "-a", f"{prefix}/.", copy], check=True)
    return copy, copy


class Mail:
    """One message: who it is for, whether we were told that it was taken, and where the records stood then."""

    def __init__(self, number, recipients):
        self.number, self.recipients = number, recipients
        self.reply = None  # of the end of data; None: the connection broke
        self.taken_at = 0

    @property
    def taken(self):
        return self.reply is not None and self.reply // 100 == 2

    @property
    def refused(self):
        return self.reply is not None and self.reply // 100 != 2


def content(number):
    lines = [f"Subject: mail {number}", ""]
    lines += [f"{i:02} the text of {number}, and some more of it" for i in range(LINES)]
    return "\r\n".join([*lines, f"end {number}", ""])


def whole(text):
    """The number of the message that this is, None when it is cut short; -N: a report about N."""
    subject = re.search(r"^Subject: (.*)$", text, re.M)
    number = re.search(r"^Subject: mail (\d+)$", text, re.M)
    if number is None:
        return None
    if subject and subject.group(1).startswith("Undelivered"):
        return -int(number.group(1))
    return int(number.group(1)) if text.rstrip("\n").endswith(f"\nend {number.group(1)}") else None


class World:
    """Use as a context; everything is ended and removed behind it."""

    def __init__(self, prefix, log_bytes=0, port=0):
        self.base = temporary()
        self.plan = FaultMap(str(self.base / "plan"), log_bytes)
        self.sink = Sink(self.plan.place, port)
        self.suite = Suite("C", prefix, self.base)
        self.suite.env["POSTERN_FAULT_MAP"] = str(self.plan.path)
        self.suite.set_main(MAIN + f"relayhost = [127.0.0.1]:{self.sink.port}\nmydestination = example.test\n")
        self.mails = []

    def __enter__(self):
        self.suite.write()
        self.suite.start()
        return self

    def record_from_here(self):
        """All is stopped, so that the disk can be looked at, and started again, with its records. Returns the directories
        that mail lies in."""
        self.suite.stop()
        self.plan.forget()
        return {"queue": self.suite.spool / "queue", "mail": self.suite.mail}

    def __exit__(self, *_):
        self.suite.kill_all()
        self.sink.close()
        self.plan.close()
        shutil.rmtree(self.base, ignore_errors=True)

    # Mail in

    def post(self, recipients, sender="anna@example.test"):
        mail = Mail(len(self.mails) + 1, recipients)
        self.mails.append(mail)
        with contextlib.suppress(OSError, smtplib.SMTPException):
            with smtplib.SMTP(self.suite.address, self.suite.ports["smtp"], timeout=8) as client:
                client.ehlo("client.test")
                for command in (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{to}>" for to in recipients), "DATA"):
                    code, _ = client.docmd(command)
                    if code // 100 not in (2, 3):
                        mail.reply = code
                        return mail
                client.send(content(mail.number) + ".\r\n")
                mail.reply = client.getreply()[0]
                mail.taken_at = self.plan.place()
        return mail

    def batch(self):
        """One of each kind: local, relayed, both at once, one that comes back, one whose second recipient gets it at once
        and the first a second later, and one whose record does not fit before the content."""
        number = len(self.mails)
        return [self.post(["bert@example.test"]), self.post(["x@far.test"]), self.post(["bert@example.test", "y@far.test"]),
                self.post(["no-one@far.test"]), self.post([f"later-{number}@far.test", "z@far.test"]),
                self.post([f"one-of-many-{i}@far.test" for i in range(40)])]

    # What became of it

    def found(self):
        """{(number, recipient): how often}; a report about N is (N, "report")."""
        count = {}

        def add(key):
            count[key] = count.get(key, 0) + 1

        with self.sink.lock:
            for to, text, _ in self.sink.taken:
                add((whole(text), to))
        for account in ("anna", "bert"):
            for path in self.suite.messages(account):
                with contextlib.suppress(FileNotFoundError):
                    number = whole(path.read_text(encoding="utf-8", errors="replace"))
                    add((-number, "report") if number is not None and number < 0 else (number, f"{account}@example.test"))
        return count

    @staticmethod
    def due(mail):
        return [(mail.number, "report" if to.startswith("no-") else to) for to in mail.recipients]

    def missing(self, mails):
        found = self.found()
        return [key for mail in mails if mail.taken for key in self.due(mail) if key not in found]

    def settled(self, mails, seconds):
        """Whether all of these have arrived, within a time."""
        with contextlib.suppress(SuiteError):
            return bool(wait_for("mail", seconds, lambda: not self.missing(mails)))
        return False

    def queue_files(self):
        return sorted(os.listdir(self.suite.spool / "queue"))

    def drain(self):
        """Nothing fails any more: all that was taken arrives, and nothing stays behind. Yields what is wrong."""
        until = time.monotonic() + DRAINED
        while (left := self.missing(self.mails)) or self.queue_files():
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        if left:
            yield f"{len(left)} that were taken have not arrived: {left[:5]}"
        if self.queue_files():
            yield f"the queue still holds {self.queue_files()[:5]}"

    def checked(self):
        """What postern fsck finds; yields what is wrong."""
        done = subprocess.run([self.suite.tool("postern"), "-c", self.suite.config, "fsck"], capture_output=True, text=True,
                              check=False, timeout=60)
        if done.returncode != 0:
            yield from (f"fsck: {line}" for line in (done.stdout + done.stderr).split("\n") if line)

    def judge(self, repeats, refused_may_come):
        """What has come too often, or was cut short, or should not have come at all."""
        refused = {key for mail in self.mails if mail.refused for key in self.due(mail)}
        for key, times in self.found().items():
            if key[0] is None:
                yield f"{times} messages are cut short"
            elif times > 1 and key not in repeats:
                yield f"{key} came {times} times"
            elif key in refused and not refused_may_come:
                yield f"{key} was refused, and came"
