"""Statements of clients that speak POP3: status lines, and replies of many lines up to a dot (RFC 1939 3)."""

from language import Failure, dedent, glob_match, words


def status(peer, s, sign, wanted):
    line = peer.need(s).line(peer.until(), f"{sign} {wanted}")
    peer.say("<", line)
    peer.reply = [line]
    if not glob_match(f"{sign} {wanted}" if wanted else f"{sign}*", line):
        raise Failure(f"expected: {sign} {wanted}\n       got: {line}", s.where)


def expect_ok(peer, s):
    """ok [GLOB]: a status line that says +OK."""
    status(peer, s, "+OK", peer.text(s, s.rest()))


def expect_err(peer, s):
    """err [GLOB]: a status line that says -ERR."""
    status(peer, s, "-ERR", peer.text(s, s.rest()))


def expect_listing(peer, s):
    """listing [GLOB] [{ GLOB... }]: +OK and lines up to the dot; with a block, these and no others."""
    status(peer, s, "+OK", peer.text(s, s.rest()))
    lines = []
    while (line := peer.wire.line(peer.until(), "a line of a listing, or its end")) != ".":
        lines.append(line[1:] if line.startswith(".") else line)
    for line in lines[:20]:
        peer.say("<", line)
    peer.say("<", f"({len(lines)} lines)")
    peer.reply = lines
    if s.block is None:
        return
    wanted = [peer.text(s, line) for line in dedent(s.block)]
    for number, (want, got) in enumerate(zip(wanted, lines), 1):
        if not glob_match(want, got):
            raise Failure(f"line {number}\nexpected: {want}\n     got: {got}", s.where)
    if len(wanted) != len(lines):
        raise Failure(f"{len(lines)} lines, expected {len(wanted)}: {lines[:10]}", s.where)


def pop3_login(peer, s):
    """pop3_login USER PASSWORD: greeting, USER and PASS."""
    w = words(peer.text(s, s.text), s.where)
    status(peer, s, "+OK", "")
    for command in (f"USER {w[1]}", f"PASS {w[2]}"):
        peer.send(command.encode("utf-8", "surrogateescape") + b"\r\n")
        status(peer, s, "+OK", "")


STATEMENTS = {"ok": expect_ok, "err": expect_err, "listing": expect_listing, "pop3_login": pop3_login}
