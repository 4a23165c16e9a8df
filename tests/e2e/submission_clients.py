"""Submission on 587 and 465 with TLS and AUTH by swaks, msmtp, curl and openssl s_client, who verify the certificate; and
sendmail while the suite is down. Run by tests/e2e/run."""

import base64
import os
import subprocess

from common import PASSWORD, arrived, drained, refused, run
from suite import wait_for

WAYS = ("submission", "submissions")
HOST = "mail.example.test"  # the name in the certificate


def swaks(suite, way, *more, password=PASSWORD):
    tls = "--tls" if way == "submission" else "--tls-on-connect"
    return ["swaks", "--server", suite.address, "--port", str(suite.ports[way]), "--from", "anna@example.test", "--to",
            "bert@example.test", tls, "--tls-verify", "--tls-ca-path", str(suite.chain), "--auth-user", "anna",
            "--auth-password", password, *more]


def test_swaks_submits(suite):
    for way in WAYS:
        for mechanism in ("PLAIN", "LOGIN"):
            mark = len(suite.log_text())
            subject = f"swaks {way} {mechanism}"
            said = run(swaks(suite, way, "--auth", mechanism, "--header", f"Subject: {subject}", "--body", "hello"))
            assert "235 2.7.0" in said and "TLS started" in said, said
            text = arrived(suite, "bert", subject)
            assert "with ESMTPSA" in text, text
            wait_for("the log line", 10, lambda: f"sasl_method={mechanism}, sasl_username=anna" in suite.log_text()[mark:])


def test_swaks_is_refused(suite):
    refused(swaks(suite, "submission", password="wrong"), "535 5.7.8")
    for way in WAYS:
        refused(swaks(suite, way)[:-4], "[45]5[04] 5")  # no AUTH: no mail, not even for accounts of this host
    plain = [word for word in swaks(suite, "submission") if not word.startswith("--tls") and word != str(suite.chain)]
    refused(plain, "AUTH not available|does not advertise|530|Host did not advertise")


def msmtp(suite, way, password=PASSWORD):
    return ["msmtp", f"--host={suite.address}", f"--port={suite.ports[way]}", "--tls=on", f"--tls-host-override={HOST}",
            f"--tls-starttls={'on' if way == 'submission' else 'off'}", f"--tls-trust-file={suite.chain}", "--auth=on",
            "--user=anna", f"--passwordeval=echo {password}", "--domain=client.test", "--from=anna@example.test",
            "bert@example.test"]


def test_msmtp_submits(suite):
    for way in WAYS:
        run(msmtp(suite, way), f"Subject: msmtp {way}\n\nfrom msmtp\n")
        assert "\nfrom msmtp\n" in arrived(suite, "bert", f"msmtp {way}")
    refused(msmtp(suite, "submissions", "wrong"), "535 5.7.8", "Subject: never\n\n")


def test_curl_submits(suite):
    mail = suite.dir / "submit.eml"
    for way in WAYS:
        mail.write_text(f"Subject: curl {way}\r\n\r\n.from curl\r\n", encoding="ascii", newline="")
        port = suite.ports[way]
        scheme = "smtp" if way == "submission" else "smtps"
        curl = ["curl", "-sS", "--ssl-reqd", "--cacert", str(suite.chain), "--resolve", f"{HOST}:{port}:{suite.address}",
                f"{scheme}://{HOST}:{port}/client.test", "--mail-from", "anna@example.test", "--mail-rcpt",
                "bert@example.test", "--upload-file", str(mail)]
        run([*curl, "-u", f"anna:{PASSWORD}"])
        assert "\n.from curl\n" in arrived(suite, "bert", f"curl {way}")
    refused([*curl, "-u", "anna:wrong"], "curl: \\(67\\)")


class Openssl:
    """A dialogue through openssl s_client."""

    def __init__(self, suite, way):
        command = ["openssl", "s_client", "-connect", f"{suite.address}:{suite.ports[way]}", "-quiet", "-crlf", "-CAfile",
                   str(suite.chain), "-verify_return_error", "-verify_hostname", HOST]
        if way == "submission":
            command += ["-starttls", "smtp"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, encoding="utf-8")
        if way == "submissions":
            self.expect("220")

    def expect(self, code):
        while (line := self.process.stdout.readline()).startswith(code + "-"):
            pass
        assert line.startswith(code + " "), f"{code} expected, not {line!r}"

    def say(self, line, code):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.expect(code)

    def end(self):
        """Ends the dialogue; what has not ended within the time is killed."""
        self.process.stdin.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.process.wait()


def test_openssl_submits(suite):
    initial = base64.b64encode(f"\0anna\0{PASSWORD}".encode()).decode()
    for way in WAYS:
        client = Openssl(suite, way)
        try:
            client.say("EHLO client.test", "250")
            client.say("MAIL FROM:<anna@example.test>", "250")
            client.say("RCPT TO:<bert@example.test>", "554")
            client.say("RSET", "250")
            client.say(f"AUTH PLAIN {initial}", "235")
            client.say(f"AUTH PLAIN {initial}", "503")
            client.say("MAIL FROM:<anna@example.test>", "250")
            client.say("RCPT TO:<bert@example.test>", "250")
            client.say("DATA", "354")
            client.say(f"Subject: openssl {way}\n\nfrom s_client\n.", "250")
            client.say("QUIT", "221")
        finally:
            client.end()
        assert "\nfrom s_client\n" in arrived(suite, "bert", f"openssl {way}")


def test_sendmail_while_the_suite_is_down(suite):
    sendmail = [str(suite.tool("sendmail")), "-C", str(suite.config), "-f", "bert@example.test"]
    assert suite.stop() == 0
    for number in range(5):
        run([*sendmail, "anna@example.test"], f"Subject: down {number}\n\nwritten at night\n")
    run([*sendmail, "-t"], "To: Anna <anna@example.test>\nBcc: bert@example.test\nSubject: down t\n\nhello\n")
    assert len(os.listdir(suite.spool / "maildrop")) == 6
    assert not any("written at night" in path.read_text(errors="replace") for path in suite.messages("anna"))
    suite.start()
    for number in range(5):
        assert "\nwritten at night\n" in arrived(suite, "anna", f"down {number}")
    for account in ("anna", "bert"):
        assert "\nBcc:" not in arrived(suite, account, "down t")
    drained(suite)
    assert not os.listdir(suite.spool / "maildrop")
