"""Scripted clients and servers: what stands in their blocks, executed line by line.

A client runs in the foreground, to the end of its block, and its connection stays for the next block of that name; with
-start it runs on a thread. A server runs on a thread of its own. The table at the end says which function a statement has.
"""

import base64
import socket
import ssl
import threading
import time

import imap
import pop3
from language import Failure, dedent, expand, glob_match, number, parse, quoted, search, seconds, words
from wire import Closed, Wire, loose_client_context


class Peer:
    """What clients and servers share: a connection, a script, variables, a place in the trace."""

    def __init__(self, test, name):
        self.test = test
        self.name = name
        self.wire = None
        self.reply = []
        self.received = []
        self.limit = test.limit
        self.thread = None
        self.failure = None
        self.own = {}

    def until(self):
        return time.monotonic() + self.limit

    def say(self, mark, text):
        self.test.trace.add(f"{self.name} {mark}", text)

    def variable(self, name):
        return self.own.get(name, self.test.variable(name))

    def text(self, s, raw):
        return expand(raw, self.variable, s.where)

    def need(self, s):
        if self.wire is None:
            raise Failure(f"{self.name} has no connection", s.where)
        return self.wire

    def run(self, lines, path):
        for s in parse(lines, path):
            act = STATEMENTS.get(s.verb) or (type(self).OWN.get(s.verb))
            if not act:
                raise Failure(f"{self.name} knows no statement {s.verb}", s.where)
            try:
                act(self, s)
            except (Closed, ConnectionResetError):  # a reset may meet connect() already
                raise Failure(f"{self.name}: the peer closed the connection", s.where) from None
            except OSError as e:
                raise Failure(f"{self.name}: {e}", s.where) from None
            except Failure as f:
                raise Failure(str(f), f.where or s.where) from None

    def start(self, function):
        def body():
            try:
                function()
            except Failure as f:
                self.failure = f
                self.say("!", str(f))

        self.thread = threading.Thread(target=body, daemon=True, name=self.name)
        self.thread.start()

    def wait(self, limit):
        """Until the script is through; raises what went wrong in it."""
        if self.thread:
            self.thread.join(limit)
            if self.thread.is_alive():
                raise Failure(f"{self.name} is not through with its script after {limit:g} s")
            self.thread = None
        if self.failure:
            failure, self.failure = self.failure, None
            raise failure

    def send(self, data, shown=None):
        if shown is None:
            shown = data.decode("utf-8", "backslashreplace").removesuffix("\r\n")
        self.say(">", shown if len(shown) < 300 else f"{shown[:200]}... ({len(data)} bytes)")
        self.wire.send(data, self.until())

    def close(self):
        if self.wire:
            self.wire.close()
            self.wire = None


# Statements of both. Each gets the peer and the statement.

def send_line(peer, s):
    peer.need(s)
    text = s.text[1:]
    peer.send((peer.text(s, text[1:] if text[:1] == " " else text) + "\r\n").encode("utf-8", "surrogateescape"))


def send_raw(peer, s):
    peer.need(s)
    peer.send(quoted(peer.text(s, s.rest()), s.where))


def send_dribble(peer, s):
    """Each byte in a segment of its own."""
    for byte in quoted(peer.text(s, s.rest()), s.where):
        peer.need(s).send(bytes([byte]), peer.until())
    peer.say(">", f"{s.rest()} byte by byte")


def send_pour(peer, s):
    """Something many times; a peer that has had enough and closes is no failure here."""
    count = number(words(s.text)[1], s.where)
    unit = quoted(peer.text(s, s.rest(2)), s.where)
    whole = unit * max(1, 65536 // max(1, len(unit)))
    left = count * len(unit)
    peer.need(s)
    peer.say(">", f"{count} times {unit[:60]!r}")
    try:
        while left:
            piece = whole[:left] if left < len(whole) else whole
            peer.wire.send(piece, peer.until())
            left -= len(piece)
    except Closed:
        peer.say("!", f"closed with {left} bytes to go")


def expect_line(peer, s):
    wanted = peer.text(s, s.rest())
    line = peer.need(s).line(peer.until(), f"a line like: {wanted}")
    peer.say("<", line)
    peer.received.append(line)
    if not glob_match(wanted, line):
        raise Failure(f"expected: {wanted}\n       got: {line}", s.where)


def expect_closed(peer, s):
    """The end, with nothing before it that was not read."""
    rest = peer.need(s).until_closed(peer.until())
    peer.say("<", "(closed)")
    peer.close()
    if rest:
        raise Failure(f"before the end came {rest[:200]!r}", s.where)


def expect_end(peer, s):
    """The end, whatever comes before it."""
    rest = peer.need(s).until_closed(peer.until())
    peer.reply = [line.decode("utf-8", "backslashreplace") for line in rest.split(b"\r\n") if line]
    for line in peer.reply:
        peer.say("<", line)
    peer.say("<", "(closed)")
    peer.close()


def connection_close(peer, s):
    peer.need(s)
    peer.say("-", "close")
    peer.close()


def connection_reset(peer, s):
    peer.need(s).reset()
    peer.wire = None
    peer.say("-", "reset")


def connection_shut(peer, s):
    peer.need(s).shut()
    peer.say("-", "shut")


def barrier_sync(peer, s):
    peer.test.sync(words(s.text)[1], peer.limit, s.where)


def deadline(peer, s):
    peer.limit = seconds(words(s.text)[1], s.where)


def repeat(peer, s):
    """repeat N [NAME] { ... }: NAME counts from 1."""
    w = words(peer.text(s, s.text), s.where)
    for i in range(number(w[1], s.where)):
        if len(w) > 2:
            peer.own[w[2]] = i + 1
        peer.run(s.block, s.path)


def capture(peer, s):
    """capture NAME REGEX: the first group, out of the last reply or of the last line."""
    name, pattern = words(s.text)[1], s.rest(2)
    where = "\n".join(peer.reply or peer.received[-1:])
    found = search(peer.text(s, pattern), where, s.where)
    if not found:
        raise Failure(f"no {pattern} in: {where}", s.where)
    peer.test.variables[name] = found.group(1)


# Statements of clients.

def client_connect(peer, s):
    w = words(peer.text(s, s.text), s.where)
    peer.close()
    peer.wire = Wire.connect(peer.test.address(w[1], s.where), peer.until(), w[2] if len(w) > 2 else None)
    peer.say("-", f"connect {w[1]}")


def read_reply(peer):
    """One reply of SMTP, all its lines."""
    lines = []
    while not lines or lines[-1][3:4] == "-":
        line = peer.wire.line(peer.until(), "a reply")
        peer.say("<", line)
        lines.append(line)
        if not line[:3].isdigit() or line[3:4] not in ("", " ", "-") or line[:3] != lines[0][:3]:
            raise Failure(f"no SMTP reply: {line!r}")
    peer.reply = lines
    return lines


def expect_reply(peer, s):
    """< CODE [GLOB]: x is any digit, [25]50 is 250 or 550; one of the lines must be like the glob."""
    wanted = peer.text(s, s.text[1:].strip())
    code, _, pattern = wanted.partition(" ")
    peer.need(s)
    lines = read_reply(peer)
    if not search(code.replace("x", r"\d") + "$", lines[0][:3], s.where):
        raise Failure(f"expected: {wanted}\n       got: {lines[0]}", s.where)
    if pattern and not any(glob_match(pattern, line[4:]) for line in lines):
        raise Failure(f"expected: {wanted}\n       got: {' / '.join(lines)}", s.where)


def expect_no(peer, s):
    """no GLOB: the last reply has no such line."""
    pattern = peer.text(s, s.rest())
    bad = [line for line in peer.reply if glob_match(pattern, line[4:])]
    if bad:
        raise Failure(f"the reply has: {bad[0]}", s.where)


def client_mail(peer, s):
    """mail FROM TO... [{ content }]: a whole transaction; `id` is the queue id then."""
    w = words(peer.text(s, s.text), s.where)
    peer.need(s)
    content = dedent(s.block) if s.block else ["Subject: test", "", "A test."]
    lines = [peer.text(s, line) for line in content]

    def step(command, code):
        peer.send(command.encode("utf-8", "surrogateescape") + b"\r\n")
        reply = read_reply(peer)
        if reply[0][:3] != code:
            raise Failure(f"{command}\nexpected: {code}\n     got: {reply[0]}", s.where)
        return reply[-1]

    step(f"MAIL FROM:<{w[1].strip('<>')}>", "250")
    for rcpt in w[2:]:
        step(f"RCPT TO:<{rcpt}>", "250")
    step("DATA", "354")
    body = "".join(("." if line.startswith(".") else "") + line + "\r\n" for line in lines)
    peer.send(body.encode("utf-8", "surrogateescape"), f"({len(lines)} lines)")
    done = step(".", "250")
    found = search(r"queued as (\S+)", done)
    if found:
        peer.test.variables["id"] = found.group(1)


def client_starttls(peer, s):
    peer.need(s)
    peer.send(b"STARTTLS\r\n")
    reply = read_reply(peer)
    if reply[0][:3] != "220":
        raise Failure(f"STARTTLS: {reply[0]}", s.where)
    client_tls(peer, s)


def client_tls(peer, s):
    w = words(peer.text(s, s.text), s.where)
    peer.need(s).handshake(loose_client_context(), peer.until(), name=w[1] if len(w) > 1 else None)
    peer.say("-", f"{peer.wire.sock.version()} {peer.wire.sock.cipher()[0]}")


def client_auth_plain(peer, s):
    w = words(peer.text(s, s.text), s.where)
    blob = base64.b64encode(f"\0{w[1]}\0{w[2]}".encode()).decode()
    peer.need(s)
    peer.send(f"AUTH PLAIN {blob}\r\n".encode())


def client_has(peer, s):
    """has GLOB: the last reply has such a line."""
    pattern = peer.text(s, s.rest())
    if not any(glob_match(pattern, line) for line in peer.reply):
        raise Failure(f"no line like {pattern} in: {peer.reply[:20]}", s.where)


def client_lacks(peer, s):
    """lacks GLOB: the last reply has no such line."""
    pattern = peer.text(s, s.rest())
    bad = [line for line in peer.reply if glob_match(pattern, line)]
    if bad:
        raise Failure(f"the reply has: {bad[0]}", s.where)


class Client(Peer):
    OWN = {"connect": client_connect, "<": expect_reply, "no": expect_no, "mail": client_mail,
           "starttls": client_starttls, "tls": client_tls, "auth_plain": client_auth_plain,
           "has": client_has, "lacks": client_lacks, **pop3.STATEMENTS, **imap.STATEMENTS}


# Statements of servers.

def server_accept(peer, s):
    peer.close()
    peer.listener.settimeout(peer.limit)
    try:
        sock, address = peer.listener.accept()
    except TimeoutError:
        raise Failure(f"{peer.name}: nobody connects", s.where) from None
    peer.wire = Wire(sock)
    peer.received = []
    peer.say("-", f"accepted {address[0]}:{address[1]}")


def server_stall(peer, s):
    """Says nothing more until the client goes."""
    expect_end(peer, s)


def server_tls(peer, s):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(peer.test.chain())
    peer.need(s).handshake(context, peer.until(), server=True)


def server_data(peer, s):
    """Reads a message up to the dot alone in its line and keeps it, byte for byte, with its dots taken off."""
    peer.need(s)
    message = bytearray()
    while (end := (b"\r\n" + message).find(b"\r\n.\r\n")) < 0:
        peer.wire.pull(peer.until(), "the end of a message")
        message += peer.wire.buffer
        peer.wire.buffer.clear()
        if peer.wire.eof and (b"\r\n" + message).find(b"\r\n.\r\n") < 0:
            raise Closed()
    peer.wire.buffer += message[end + 3:]
    text = (b"\r\n" + bytes(message[:end])).replace(b"\r\n.", b"\r\n")[2:]
    peer.test.add_message(peer.name, text)
    peer.say("<", f"(a message of {len(text)} bytes)")


SINK_REPLIES = {"EHLO": "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 100000000",
                "HELO": "250 sink.test", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok",
                "DATA": "354 go on", ".": "250 2.0.0 Ok: queued as SINK", "RSET": "250 2.0.0 Ok",
                "NOOP": "250 2.0.0 Ok", "QUIT": "221 2.0.0 Bye"}


def server_sink(peer, s):
    """Plays a good server to the end of the session; a block of `VERB REPLY` lines says what to answer instead.

    Keeps messages and command lines. The verb . is the end of DATA, `greeting` the first line.
    """
    replies = {"greeting": "220 sink.test ESMTP", **SINK_REPLIES}
    for line in dedent(s.block or []):
        if line.strip():
            verb, _, text = peer.text(s, line).partition(" ")
            replies[verb] = unescape_reply(text)
    peer.need(s)
    peer.send(replies["greeting"].encode() + b"\r\n")
    while True:
        try:
            line = peer.wire.line(peer.until(), "a command")
        except Closed:
            peer.say("<", "(closed)")
            return
        peer.say("<", line)
        peer.test.add_command(peer.name, line)
        verb = line.split(" ")[0].upper()
        answer = replies.get(verb, "500 5.5.2 what?")
        peer.send(answer.encode() + b"\r\n")
        if verb == "DATA" and answer.startswith("354"):
            server_data(peer, s)
            peer.send(replies["."].encode() + b"\r\n")
        if verb == "QUIT":
            return


def unescape_reply(text):
    return text.replace("\\r", "\r").replace("\\n", "\n")


class Server(Peer):
    """server NAME [-address A] [-port P] [-loop]: with -loop the script is run for each connection, all at once."""

    OWN = {"accept": server_accept, "<": expect_line, "stall": server_stall, "tls": server_tls,
           "data": server_data, "sink": server_sink}

    def __init__(self, test, name, address, port):
        super().__init__(test, name)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(100)
        self.address = address
        self.port = self.listener.getsockname()[1]
        self.ended = False
        self.sessions = []

    def run_once(self, lines, path):
        self.start(lambda: self.run(lines, path))

    def run_loop(self, lines, path):
        def loop():
            while True:
                try:
                    sock, _ = self.listener.accept()
                except OSError:
                    return
                one = Session(self, sock, len(self.sessions) + 1)
                self.sessions.append(one)
                one.start(lambda one=one: one.run(lines, path))

        self.listener.settimeout(None)
        self.looping = True
        self.start(loop)

    looping = False

    def finish(self, limit):
        """At the end of a case: a script must be through, a loop is ended."""
        try:
            if self.looping:
                self.listener.shutdown(socket.SHUT_RDWR)
            self.wait(limit)
            for one in self.sessions:
                one.wait(limit)
        finally:
            self.listener.close()
            self.close()
            for one in self.sessions:
                one.close()


class Session(Server):
    """One connection of a looping server."""

    def __init__(self, server, sock, count):
        Peer.__init__(self, server.test, server.name)
        self.wire = Wire(sock)
        self.own["session"] = count


STATEMENTS = {
    ">": send_line, "raw": send_raw, "dribble": send_dribble, "pour": send_pour,
    "line": expect_line, "closed": expect_closed, "end": expect_end,
    "close": connection_close, "reset": connection_reset, "shut": connection_shut,
    "sync": barrier_sync, "deadline": deadline, "repeat": repeat, "capture": capture,
}
