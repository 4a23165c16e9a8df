"""What the tests of tests/e2e share: running a client program, waiting for mail, reading it over IMAP, the two suites."""

import contextlib
import imaplib
import os
import re
import ssl
import subprocess

from dnsd import Dns
from suite import Suite, wait_for
from wire import make_chain

PASSWORD = "secret"
FAR_USER = "carl@virtual.test"


def run(command, text="", seconds=60, env=None):
    """A client program; what it prints when it fails is the failure."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace", timeout=seconds,
                          env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:]}")
    return done.stdout + done.stderr


def refused(command, says, text=""):
    """A client program that must fail, and print this."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0, f"{command[0]} took a refusal for success: {said[-1000:]}"
    assert re.search(says, said), f"{command[0]} does not say {says}: {said[-1000:]}"


def arrived(suite, account, subject, seconds=20):
    """The text of the message with that subject, once it is there."""
    def find():
        for path in suite.messages(account):
            with contextlib.suppress(FileNotFoundError):
                text = path.read_bytes().decode("utf-8", "replace")
                if f"\nSubject: {subject}\n" in text:
                    return text
        return None

    return wait_for(f"message {subject!r} for {account}", seconds, find)


def drained(suite, seconds=60):
    wait_for("an empty queue", seconds, lambda: not suite.queue())


def tls_context(suite):
    """TLS that verifies the suite's certificate, but not its name: clients here connect to an address."""
    context = ssl.create_default_context(cafile=suite.chain)
    context.check_hostname = False
    return context


def imap(suite, account):
    client = imaplib.IMAP4_SSL(suite.address, suite.ports["imaps"], ssl_context=tls_context(suite), timeout=30)
    client.login(account, PASSWORD)
    return client


def imap_messages(suite, account, subject, count=1, seconds=20):
    """The bytes of the COUNT messages with such a subject, read over IMAP once they are there."""
    with imap(suite, account) as client:
        client.select("INBOX")

        def find():
            client.noop()
            numbers = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            return numbers if len(numbers) >= count else None

        numbers = wait_for(f"{count} messages {subject!r} for {account} over IMAP", seconds, find)
        assert len(numbers) == count, f"{len(numbers)} messages {subject!r} for {account}"
        parts = client.fetch(b",".join(numbers).decode(), "(BODY.PEEK[])")[1]
        return [part[1] for part in parts if isinstance(part, tuple)]


def listen_for_users(suite):
    """Submission on two ports, IMAP and POP3."""
    auth = "-o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
    suite.listen("submission", f"smtpd -o smtpd_tls_security_level=encrypt {auth}")
    suite.listen("submissions", f"smtpd -o smtpd_tls_wrappermode=yes {auth}")
    suite.listen("imap", "imapd")
    suite.listen("imaps", "imapd -o imapd_tls_wrappermode=yes")
    suite.listen("pop3", "pop3d")


QUICK = """message_size_limit = 60000000
smtpd_helo_required = yes
smtpd_error_sleep_time = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
smtp_tls_security_level = may
smtpd_tls_security_level = may
dns_trust_anchor_file ="""


class Site:
    """Two suites with a DNS server between them: near, mail for example.test, and near.far, mail for far.test and
    virtual.test. The first MX of far.test does not answer."""

    def __init__(self, prefix, base):
        self.near = Suite("E", prefix, base)
        self.far = Suite("F", prefix, base, "127.0.0.2")
        self.near.far = self.far
        self.access = self.far.access = base / "access"
        self.access.write_text("", encoding="ascii")
        self.dns = Dns(["far.test MX 10 gone.far.test", "far.test MX 20 mail.far.test", "virtual.test MX 10 mail.far.test",
                        "alias.test MX 10 mail.far.test", "example.test MX 10 mail.example.test",
                        "gone.far.test A 127.0.0.99", "mail.far.test A 127.0.0.2", "mail.example.test A 127.0.0.1"])
        for suite, other in ((self.near, self.far), (self.far, self.near)):
            listen_for_users(suite)
            suite.chain = make_chain(base)
            suite.set_main(f"{QUICK}\nsmtpd_tls_chain_files = {suite.chain}\nsmtp_tcp_port = {other.ports['smtp']}\n"
                           f"dns_servers = 127.0.0.1:{self.dns.port}")
        self.far.set_main("myhostname = mail.far.test\nmydomain = far.test\nmyorigin = far.test\nmydestination = far.test\n"
                          "virtual_mailbox_domains = virtual.test\nvirtual_alias_domains = alias.test\n"
                          "virtual_alias_maps = inline:{ {info@alias.test = anna@far.test, bert@example.test} }\n"
                          f"smtpd_recipient_restrictions = check_recipient_access texthash:{self.access}")
        self.far.accounts += ["slow", FAR_USER]

    def start(self):
        for suite in (self.near, self.far):
            suite.write()
            suite.start()

    def end(self):
        for suite in (self.near, self.far):
            suite.kill_all()
        self.dns.stop()

    def texts(self):
        return [suite.log_text() for suite in (self.near, self.far)]

    def trouble(self, lengths):
        return [line for suite, length in zip((self.near, self.far), lengths) for line in suite.trouble(length, 0)]
