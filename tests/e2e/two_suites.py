"""Two suites with a DNS server between them: near (example.test) and far (far.test, virtual.test). Mail goes from a client to
near, by MX to far, into a Maildir, and is read over IMAP; what cannot go on comes back. Run by tests/e2e/run."""

import contextlib
import email
import email.policy
import smtplib

from common import FAR_USER, PASSWORD, drained, imap_messages, run, tls_context
from suite import wait_for


@contextlib.contextmanager
def session(suite):
    """Anna's, with TLS and AUTH."""
    with smtplib.SMTP(suite.address, suite.ports["submission"], timeout=60) as client:
        client.starttls(context=tls_context(suite))
        client.login("anna", PASSWORD)
        yield client


def submit(suite, recipients, subject, body="hello"):
    with session(suite) as client:
        text = f"From: anna@example.test\r\nTo: {recipients[0]}\r\nSubject: {subject}\r\n\r\n{body}\r\n"
        unknown = client.sendmail("anna@example.test", recipients, text.encode())
        assert not unknown, unknown


def reports(suite, account, about, count=1):
    """[{recipient: (action, status)}] of the delivery reports that ACCOUNT reads over IMAP about messages with that
    subject."""
    found = []
    for raw in imap_messages(suite, account, "Undelivered Mail Returned to Sender"):
        report = email.message_from_bytes(raw, policy=email.policy.default)
        assert report.get_content_type() == "multipart/report" and report["Return-Path"] == "<>", raw[:2000]
        text, status, returned = report.iter_parts()
        assert "postmaster" in text.get_content().lower() or "mail" in text.get_content().lower()
        fields = list(status.get_payload())[1:]
        if about in returned.as_string():
            found.append({f["Final-Recipient"].split(";")[1].strip(): (f["Action"], f["Status"]) for f in fields})
    assert len(found) == count, f"{len(found)} reports"
    return found


def forget_reports(suite, account):
    for path in suite.messages(account):
        if b"\nSubject: Undelivered Mail" in path.read_bytes():
            path.unlink()


def test_by_mx_to_the_other_suite(suite):
    run(["swaks", "--server", suite.address, "--port", str(suite.ports["submissions"]), "--tls-on-connect", "--auth", "PLAIN",
         "--auth-user", "anna", "--auth-password", PASSWORD, "--from", "anna@example.test", "--to", "anna@far.test",
         "--header", "Subject: far away", "--body", "over the hills\n.and far away"])
    raw = imap_messages(suite.far, "anna", "far away")[0]
    assert b"\r\nover the hills\r\n.and far away\r\n" in raw, raw
    received = email.message_from_bytes(raw).get_all("Received")
    assert len(received) == 2 and "mail.far.test" in received[0] and "ESMTPS" in received[0], received
    assert "ESMTPSA" in received[1], received
    drained(suite)


def test_a_virtual_domain(suite):
    submit(suite, [FAR_USER], "virtual mailbox")
    assert len(imap_messages(suite.far, FAR_USER, "virtual mailbox")) == 1
    submit(suite, ["info@alias.test"], "virtual alias")  # one of its two recipients is back here
    assert len(imap_messages(suite.far, "anna", "virtual alias")) == 1
    assert len(imap_messages(suite, "bert", "virtual alias")) == 1
    submit(suite, ["nobody@virtual.test"], "nobody virtual")
    assert reports(suite, "anna", "nobody virtual") == [{"nobody@virtual.test": ("failed", "5.1.1")}]
    forget_reports(suite, "anna")


def test_a_bounce_is_read_by_the_sender(suite):
    submit(suite, ["nobody@far.test"], "who is there")
    assert reports(suite, "anna", "who is there") == [{"nobody@far.test": ("failed", "5.1.1")}]
    submit(suite, ["x@gone.test"], "no such domain")
    wait_for("two reports", 20, lambda: suite.log_text().count("non-delivery notification") >= 2)
    drained(suite)
    forget = [path for path in suite.messages("anna") if b"who is there" in path.read_bytes()]
    for path in forget:
        path.unlink()
    found = reports(suite, "anna", "no such domain")
    assert found[0]["x@gone.test"][0] == "failed" and found[0]["x@gone.test"][1].startswith("5."), found
    forget_reports(suite, "anna")


def test_some_later_some_never(suite):
    """Of one message a recipient is taken, one is refused with 4xx, one with 5xx."""
    far = suite.far
    far.access.write_text("slow@far.test 450 4.2.1 Not now\n", encoding="ascii")
    far.reload()
    submit(suite, ["bert@far.test", "slow@far.test", "nobody@far.test"], "in parts")
    assert len(imap_messages(far, "bert", "in parts")) == 1
    assert reports(suite, "anna", "in parts") == [{"nobody@far.test": ("failed", "5.1.1")}]
    left = [r["address"] for entry in suite.queue() for r in entry["recipients"]]
    assert left == ["slow@far.test"], suite.queue()
    assert "450 4.2.1" in suite.log_text()
    far.access.write_text("", encoding="ascii")
    far.reload()
    run([str(suite.tool("postqueue")), "-c", str(suite.config), "-f"])
    assert len(imap_messages(far, "slow", "in parts")) == 1
    drained(suite)
    assert len(imap_messages(far, "bert", "in parts")) == 1, "who had it got it again"
    forget_reports(suite, "anna")


def test_the_other_suite_down_and_back(suite):
    assert suite.far.stop() == 0
    for number in range(20):
        submit(suite, ["bert@far.test"], f"patience {number}")
    wait_for("deferral", 20, lambda: "Connection refused" in suite.log_text())
    assert len(suite.queue()) == 20
    suite.far.start()
    run([str(suite.tool("postqueue")), "-c", str(suite.config), "-f"])
    assert len(imap_messages(suite.far, "bert", "patience", 20)) == 20
    drained(suite)


def test_fifty_megabytes_to_the_other_suite(suite):
    line = b"fedcba9876543210" * 4 + b"\r\n"
    body = line * (50_000_000 // len(line))
    with session(suite) as client:
        client.sendmail("anna@example.test", "slow@far.test", b"Subject: large\r\n\r\n" + body)
    raw = imap_messages(suite.far, "slow", "large", seconds=60)[0]
    assert raw.endswith(b"\r\n\r\n" + body), "the content is not what was sent"
    for each in (suite, suite.far):
        for kind in ("smtpd", "qmgr", "smtp", "deliverer", "imapuser"):
            assert each.memory(kind) < 128 << 20, f"{kind} held it in memory: {each.memory(kind)}"
    drained(suite)


def test_a_thousand_recipients_of_the_other_suite(suite):
    everybody = [f"slow+{k}@far.test" for k in range(1000)]
    submit(suite, everybody, "to all of you")
    raws = imap_messages(suite.far, "slow", "to all of you", 1000, 60)
    got = {email.message_from_bytes(raw)["Delivered-To"] for raw in raws}
    assert got == set(everybody), f"{len(got)} recipients"
    drained(suite)
    assert run([str(suite.tool("postqueue")), "-c", str(suite.config), "-p"]) == "Mail queue is empty\n"
