"""The rest of the Internet: an SMTP server that keeps what it gets, refuses whoever is called no-*, and whoever is called
later-* the first time."""

import contextlib
import socket
import threading

from suite import free_port


class Sink:
    """Listens on a port of 127.0.0.1, a free one if 0. MOMENT() is asked before a message is answered for."""

    def __init__(self, moment=lambda: 0, port=0):
        self.moment = moment
        self.taken = []  # (recipient, text, moment)
        self.asked = set()  # of those who are to come later
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", port or free_port()), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.open = True
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.open = False
        # Its thread waits in accept(), which holds the socket.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def serve(self):
        while self.open:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.session, args=(connection,), daemon=True).start()

    def session(self, connection):
        try:
            with connection, connection.makefile("rwb") as stream:
                self.talk(stream)
        except (OSError, ValueError):
            pass

    def talk(self, stream):
        recipients = []

        def say(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()

        say("220 sink.test ESMTP")
        while line := stream.readline():
            word, rest = line[:4].upper().decode("latin-1"), line.decode("latin-1")
            if word == "RCPT" and "<no-" in rest:
                say("550 5.1.1 there is no such user")
            elif word == "RCPT" and "<later-" in rest and rest not in self.asked:
                self.asked.add(rest)
                say("450 4.2.0 later")
            elif word == "RCPT":
                recipients.append(rest.partition("<")[2].partition(">")[0])
                say("250 2.1.5 Ok")
            elif word == "DATA" and recipients:
                say("354 go on")
                lines = []
                while (part := stream.readline()) not in (b".\r\n", b""):
                    lines.append(part)
                if part == b"":
                    return
                text = b"".join(lines).decode("utf-8", "replace").replace("\r\n", "\n")
                with self.lock:
                    now = self.moment()
                    self.taken += [(to, text, now) for to in recipients]
                recipients = []
                say("250 2.0.0 Ok: taken")
            elif word == "DATA":
                say("554 5.5.1 no valid recipients")
            elif word == "QUIT":
                say("221 2.0.0 Bye")
                return
            else:
                recipients = [] if word in ("MAIL", "RSET") else recipients
                say("250 sink.test")
