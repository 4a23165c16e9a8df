"""Statements of clients that speak IMAP: tagged commands, literals, untagged data (RFC 9051 2.2, 7)."""

import re

from language import Failure, dedent, glob_match, number, quoted, words


def read_response(peer, what):
    """One response with its literals, as text with LF for line ends."""
    text = peer.wire.line(peer.until(), what)
    while (found := re.search(r"\{(\d+)\}$", text)):
        size = int(found.group(1))
        while len(peer.wire.buffer) < size and not peer.wire.eof:
            peer.wire.pull(peer.until(), "a literal")
        literal = bytes(peer.wire.buffer[:size])
        del peer.wire.buffer[:size]
        text += "\n" + literal.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        text += peer.wire.line(peer.until(), "what follows a literal")
    peer.say("<", text if len(text) < 500 else f"{text[:400]}... ({len(text)} characters)")
    return text


def send_command(peer, s):
    """C COMMAND: with a tag of its own, which OK, NO and BAD then wait for."""
    peer.need(s)
    peer.imap_count = getattr(peer, "imap_count", 0) + 1
    peer.imap_tag = f"c{peer.imap_count}"
    text = f"{peer.imap_tag} {peer.text(s, s.rest())}\r\n"
    peer.send(text.encode("utf-8", "surrogateescape"))


def expect_tagged(peer, s):
    """OK, NO or BAD [GLOB]: all up to the tagged line, whose rest is like GLOB; what came before stays for has."""
    wanted = peer.text(s, s.rest())
    peer.need(s)
    peer.reply = []
    while True:
        text = read_response(peer, f"{peer.imap_tag} {s.verb}")
        if text.startswith(peer.imap_tag + " "):
            break
        peer.reply.append(text)
    status, _, rest = text[len(peer.imap_tag) + 1:].partition(" ")
    if status != s.verb or (wanted and not glob_match(wanted, rest)):
        raise Failure(f"expected: {s.verb} {wanted}\n       got: {status} {rest}", s.where)
    peer.received = [text]
    peer.tagged = text


def expect_untagged(peer, s):
    """untagged GLOB: the next response, whatever it is, is like GLOB."""
    wanted = peer.text(s, s.rest())
    peer.need(s)
    text = read_response(peer, wanted)
    peer.reply = [text]
    if not glob_match(wanted, text):
        raise Failure(f"expected: {wanted}\n       got: {text}", s.where)


def expect_await(peer, s):
    """await GLOB: responses up to one like GLOB."""
    wanted = peer.text(s, s.rest())
    peer.need(s)
    while True:
        text = read_response(peer, wanted)
        if glob_match(wanted, text):
            peer.reply = [text]
            return


def expect_lines(peer, s):
    """lines { GLOB... }: the responses before the tagged line are these and no others."""
    wanted = [peer.text(s, line) for line in dedent(s.block)]
    for i, (want, got) in enumerate(zip(wanted, peer.reply), 1):
        if not glob_match(want, got):
            raise Failure(f"response {i}\nexpected: {want}\n     got: {got}", s.where)
    if len(wanted) != len(peer.reply):
        raise Failure(f"{len(peer.reply)} responses, expected {len(wanted)}: {peer.reply[:20]}", s.where)


def send_literal(peer, s):
    """literal BYTES: waits for the invitation, then sends the bytes; the rest of the line is for `raw`."""
    peer.need(s)
    line = read_response(peer, "an invitation")
    if not line.startswith("+ "):
        raise Failure(f"no invitation but: {line}", s.where)
    peer.send(quoted(peer.text(s, s.rest()), s.where))


def imap_login(peer, s):
    """imap_login USER PASSWORD: greeting and LOGIN."""
    w = words(peer.text(s, s.text), s.where)
    peer.need(s)
    greeting = read_response(peer, "a greeting")
    if not greeting.startswith("* OK "):
        raise Failure(f"no greeting but: {greeting}", s.where)
    peer.send(f"login LOGIN {w[1]} {w[2]}\r\n".encode())
    answer = read_response(peer, "an answer to LOGIN")
    if not answer.startswith("login OK "):
        raise Failure(f"LOGIN: {answer}", s.where)


def imap_append(peer, s):
    """imap_append MAILBOX [(FLAGS)] [COUNT] { content }: messages, as they stand."""
    w = words(peer.text(s, s.text), s.where)
    count = number(w[-1], s.where) if w[-1].isdigit() else 1
    flags = f"{w[2]} " if len(w) > 2 and w[2].startswith("(") else ""
    content = dedent(s.block) if s.block else ["Subject: test", "", "A test."]
    body = "".join(peer.text(s, line) + "\r\n" for line in content).encode("utf-8", "surrogateescape")
    peer.need(s)
    for _ in range(count):
        peer.send(f"append APPEND {w[1]} {flags}{{{len(body)}+}}\r\n".encode() + body + b"\r\n", f"APPEND {w[1]}")
        while not (line := read_response(peer, "an answer to APPEND")).startswith("append "):
            pass
        if not line.startswith("append OK "):
            raise Failure(f"APPEND: {line}", s.where)
        peer.received = [line]
        peer.reply = [line]


STATEMENTS = {"C": send_command, "OK": expect_tagged, "NO": expect_tagged, "BAD": expect_tagged,
              "untagged": expect_untagged, "await": expect_await, "lines": expect_lines, "literal": send_literal, "imap_login": imap_login, "imap_append": imap_append}
