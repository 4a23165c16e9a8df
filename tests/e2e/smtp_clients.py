"""SMTP with clients that others wrote: swaks, msmtp, curl, Python's smtplib; large messages, many recipients, and random
walks through the protocol. Run by tests/e2e/run."""

import os
import random
import smtplib
import time

from common import arrived, drained, refused, run
from suite import wait_for

ADDRESSES = 10  # of each of the accounts user0, user1, ...
ACCOUNTS = tuple(f"user{i}" for i in range(100))  # a deliverer a mailbox is what an ISP has, too, but not all at once


def test_swaks(suite):
    said = run(["swaks", "--server", suite.address, "--port", str(suite.ports["smtp"]), "--from", "a@example.net",
                "--to", "anna@example.test,bert@example.test", "--header", "Subject: swaks", "--body", "line\n.dot\n",
                "--pipeline"])
    assert "queued as" in said, said
    for account in ("anna", "bert"):
        assert "\nline\n.dot\n" in arrived(suite, account, "swaks")


def test_swaks_is_told_of_unknown_users(suite):
    refused(["swaks", "--server", suite.address, "--port", str(suite.ports["smtp"]), "--from", "a@example.net",
             "--to", "nobody@example.test", "--quit-after", "RCPT"], "550 5.1.1 <nobody@example.test>")


def test_msmtp(suite):
    run(["msmtp", f"--host={suite.address}", f"--port={suite.ports['smtp']}", "--tls=off", "--auth=off", "--domain=client.test",
         "--from=a@example.net", "anna@example.test"], "Subject: msmtp\n\nfrom msmtp\n")
    assert "\nfrom msmtp\n" in arrived(suite, "anna", "msmtp")


def test_curl(suite):
    mail = suite.dir / "curl.eml"
    mail.write_text("Subject: curl\r\n\r\nfrom curl\r\n..two dots\r\n", encoding="utf-8", newline="")
    run(["curl", "-sS", f"smtp://{suite.address}:{suite.ports['smtp']}/client.test", "--mail-from", "a@example.net",
         "--mail-rcpt", "anna@example.test", "--upload-file", str(mail)])
    assert "\nfrom curl\n..two dots\n" in arrived(suite, "anna", "curl")


def test_smtplib(suite):
    with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=20) as client:
        unknown = client.sendmail("a@example.net", ["anna@example.test", "nobody@example.test"],
                                  "Subject: smtplib\r\n\r\n.one dot\r\n".encode(), ["BODY=8BITMIME"])
        assert set(unknown) == {"nobody@example.test"}, unknown
        client.sendmail("a@example.net", "bert@example.test", "Subject: smtplib 2\r\n\r\ngr\u00fc\u00dfe\r\n".encode())
    assert "\n.one dot\n" in arrived(suite, "anna", "smtplib")
    assert "gr\u00fc\u00dfe" in arrived(suite, "bert", "smtplib 2")


def test_fifty_megabytes(suite):
    line = b"0123456789abcdef" * 4 + b"\r\n"
    body = line * (50_000_000 // len(line))
    with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=60) as client:
        client.sendmail("a@example.net", "bert@example.test", b"Subject: large\r\n\r\n" + body)
        used = suite.memory("smtpd")
        assert used < 64 << 20, f"smtpd holds {used} bytes"
    wait_for("the large message", 30, lambda: any(p.stat().st_size > 40_000_000 for p in suite.messages("bert")))
    path = max(suite.messages("bert"), key=lambda p: p.stat().st_size)
    text = path.read_bytes()
    path.unlink()
    assert text.endswith(body.replace(b"\r\n", b"\n")), "the content is not what was sent"
    assert suite.memory("qmgr") < 128 << 20 and suite.memory("deliverer") < 64 << 20, "it was held in memory"


def test_a_thousand_recipients(suite):
    everybody = [f"{account}+{k}@example.test" for account in ACCOUNTS for k in range(ADDRESSES)]
    with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=60) as client:
        unknown = client.sendmail("a@example.net", everybody, b"Subject: to all\r\n\r\nhello\r\n")
        assert not unknown, unknown
    wait_for("a copy for each", 60, lambda: all(len(suite.messages(account)) >= ADDRESSES for account in ACCOUNTS))
    drained(suite)
    counts = {len(suite.messages(account)) for account in ACCOUNTS}
    assert counts == {ADDRESSES}, f"copies: {counts}"


class Model:
    """What RFC 5321 says about the order of commands, as far as smtpd offers them: the code of each reply."""

    def __init__(self):
        self.state = "new"

    def expect(self, command):
        verb = command.split(" ")[0].upper()
        if verb in ("EHLO", "HELO"):
            self.state = "greeted"
            return 250
        if verb == "RSET":
            self.state = "new" if self.state == "new" else "greeted"
            return 250
        if verb in ("NOOP", "VRFY"):
            return 250 if verb == "NOOP" else 252
        if verb not in ("MAIL", "RCPT", "DATA"):
            return 500
        return self.transaction(verb, command)

    def transaction(self, verb, command):
        if self.state == "new" or (verb == "MAIL") != (self.state == "greeted"):
            return 503
        if verb == "MAIL":
            self.state = "mail" if "SIZE=9" not in command else self.state
            return 250 if self.state == "mail" else 552
        if verb == "RCPT":
            self.state = "rcpt" if "nobody" not in command else self.state
            return 250 if "nobody" not in command else 550
        if self.state == "mail":
            return 554
        self.state = "greeted"
        return 354


WALK = ("EHLO walk.test", "HELO walk.test", "MAIL FROM:<a@example.net>", "MAIL FROM:<a@example.net> BODY=8BITMIME",
        "MAIL FROM:<> SIZE=99999999999", "RCPT TO:<anna@example.test>", "RCPT TO:<nobody@example.test>", "DATA", "RSET",
        "NOOP", "VRFY anna", "VRFY \xfc", "FROB", "MAIL FROM:<>")


def test_random_walks_agree_with_a_model(suite):
    seed = int(os.environ.get("POSTERN_SEED") or time.time())
    choose = random.Random(seed)
    for walk in range(150):
        model, said, helo = Model(), [], False
        with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=20) as client:
            for _ in range(18):
                command = choose.choice(WALK)
                if helo and command.startswith("MAIL"):
                    command = "MAIL FROM:<>"  # parameters are for EHLO
                client.send(command.encode("latin-1") + b"\r\n")
                code = client.getreply()[0]
                wanted = model.expect(command)
                said.append(f"{command} {code}")
                assert code == wanted, f"seed {seed}, walk {walk}: {wanted} expected: {'; '.join(said)}"
                helo = command.startswith("HELO") or helo and not command.startswith("EHLO")
                if code == 354:
                    client.send(b"Subject: walk\r\n\r\n.\r\n")
                    assert client.getreply()[0] == 250
