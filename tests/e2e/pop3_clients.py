"""POP3 with clients that others wrote: curl, Python's poplib, fetchmail. Part of tests/e2e/run."""

import os
import poplib
import smtplib
import ssl
import subprocess

from suite import wait_for

ACCOUNTS = ("popper1", "popper2", "popper3")
TEXTS = ("plain", "dots\r\n.\r\n..\r\n.x", "long " + "x" * 900, "8 bits: gr\u00fc\u00dfe", "")


def send(suite, account, texts=TEXTS):
    """One after the other, so that their order is known."""
    before = len(suite.messages(account))
    with smtplib.SMTP(suite.address, suite.ports["smtp"], timeout=20) as client:
        for number, text in enumerate(texts, 1):
            client.sendmail("a@example.net", f"{account}@example.test",
                            f"Subject: pop3 {number}\r\n\r\n{text}\r\n".encode(), ["BODY=8BITMIME"])
            wait_for("a message", 20, lambda n=number: len(suite.messages(account)) == before + n)


def login(suite, account, tls):
    client = poplib.POP3(suite.address, suite.ports["pop3"], timeout=20)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        client.stls(context)
    client.user(account)
    client.pass_("secret")
    return client


def test_pop3_poplib(suite):
    send(suite, "popper1")
    for tls in (False, True):
        client = login(suite, "popper1", tls)
        assert "STLS" not in client.capa() and client.capa()["SASL"] == ["PLAIN", "LOGIN"]
        sizes = dict(tuple(map(int, line.split())) for line in client.list()[1])
        assert client.stat() == (len(TEXTS), sum(sizes.values()))
        for number, text in enumerate(TEXTS, 1):
            _, lines, _ = client.retr(number)
            assert sum(len(line) + 2 for line in lines) == sizes[number], (number, lines)
            body = b"\r\n".join(lines).split(b"\r\n\r\n", 1)[1]
            assert body.decode() == text, (number, body)
            assert f"Subject: pop3 {number}".encode() in client.top(number, 0)[1]
        uidl = client.uidl()[1]
        assert len({line.split()[1] for line in uidl}) == len(TEXTS)
        if tls:
            for number in sizes:
                client.dele(number)
        client.quit()
    assert not suite.messages("popper1")


def test_pop3_curl(suite):
    send(suite, "popper2")
    url = f"pop3://{suite.address}:{suite.ports['pop3']}/"
    curl = ["curl", "-sS", "-k", "-u", "popper2:secret"]
    for more in ([], ["--ssl-reqd"], ["--login-options", "AUTH=PLAIN"]):
        listed = subprocess.run([*curl, *more, url], capture_output=True, text=True, timeout=20, check=True).stdout
        assert len(listed.split("\n")) == len(TEXTS) + 1, listed
        got = subprocess.run([*curl, *more, url + "2"], capture_output=True, timeout=20, check=True).stdout
        assert got.endswith(b"\r\n\r\n" + TEXTS[1].encode() + b"\r\n"), got
    subprocess.run([*curl, "-I", "-X", "DELE", url + "1"], capture_output=True, timeout=20, check=True)
    assert len(suite.messages("popper2")) == len(TEXTS) - 1
    client = login(suite, "popper2", False)
    for number in range(1, len(TEXTS)):
        client.dele(number)
    client.quit()
    assert not suite.messages("popper2")


def fetchmail(suite, *options):
    home = suite.dir / "fetchmail"
    home.mkdir(exist_ok=True)
    config = home / "rc"
    config.write_text(f"poll {suite.address} protocol pop3 port {suite.ports['pop3']} auth password uidl\n"
                      f"  user popper3 password secret keep no rewrite sslproto '' mda \"cat >>{home}/mail\"\n",
                      encoding="utf-8")
    config.chmod(0o600)
    done = subprocess.run(["fetchmail", "-f", config, "--pidfile", home / "pid", "-N", *options], timeout=60,
                          capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "FETCHMAILHOME": str(home), "HOME": str(home)})
    mail = home / "mail"
    return done, mail.read_bytes() if mail.exists() else b""


def test_pop3_fetchmail(suite):
    send(suite, "popper3")
    done, mail = fetchmail(suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert mail.count(b"\nSubject: pop3 ") == len(TEXTS), mail
    # What it has seen it knows again by its unique-id.
    done, again = fetchmail(suite)
    assert done.returncode == 1 and again == mail, done.stdout + done.stderr
    send(suite, "popper3", ["one more"])
    done, again = fetchmail(suite, "--nokeep", "--flush")
    assert done.returncode == 0, done.stdout + done.stderr
    assert again.count(b"\none more\n") == 1 and again.count(b"\nSubject: pop3 ") == len(TEXTS) + 1, again
    assert not suite.messages("popper3")
