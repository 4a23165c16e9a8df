"""A connection with a deadline on every wait, and the certificate that scripted servers and suites use."""

import os
import pathlib
import select
import socket
import ssl
import struct
import subprocess
import time

from language import Failure


def loose_client_context():
    """TLS without verification: transcripts test the other side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def make_chain(directory):
    """A key and a self-signed certificate in one PEM file."""
    path = pathlib.Path(directory) / "chain.pem"
    if not path.exists():
        key, cert = f"{path}.key", f"{path}.cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=mail.example.test", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        path.write_bytes(pathlib.Path(key).read_bytes() + pathlib.Path(cert).read_bytes())
        os.unlink(key)
        os.unlink(cert)
    return path


class Closed(Exception):
    """The peer has gone."""


class Wire:
    """Bytes and lines over a socket. Whatever arrives while something is sent is kept for the next read."""

    def __init__(self, sock):
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.buffer = bytearray()
        self.eof = False

    @classmethod
    def connect(cls, address, until, source=None):
        """To host:port or the path of a socket."""
        if address.startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
            target = address
        else:
            host, port = address.rsplit(":", 1)
            sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            target = (host.strip("[]"), int(port))
        sock.settimeout(max(0.01, until - time.monotonic()))
        if source:
            sock.bind((source, 0))
        sock.connect(target)
        return cls(sock)

    def wait(self, until, write=False, what=""):
        left = until - time.monotonic()
        if isinstance(self.sock, ssl.SSLSocket) and not write and self.sock.pending():
            return
        ready = select.select([] if write else [self.sock], [self.sock] if write else [], [], max(0, left))
        if not ready[0] and not ready[1]:
            raise Failure(f"nothing within the deadline: {what}")

    def pull(self, until, what):
        """Some more bytes into the buffer, or the end."""
        while True:
            try:
                got = self.sock.recv(65536)
            except (ssl.SSLWantReadError, BlockingIOError):
                self.wait(until, what=what)
                continue
            except ssl.SSLWantWriteError:
                self.wait(until, True, what)
                continue
            except (ConnectionError, ssl.SSLError):
                got = b""
            self.buffer += got
            self.eof = not got
            return

    def line(self, until, what="a line"):
        """The next line without its end; Closed when there will be none."""
        while (at := self.buffer.find(b"\n")) < 0:
            if self.eof:
                raise Closed()
            self.pull(until, what)
        line = bytes(self.buffer[:at])
        del self.buffer[:at + 1]
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def until_closed(self, until):
        """All that comes before the end."""
        while not self.eof:
            self.pull(until, "end of the connection")
        rest, self.buffer = bytes(self.buffer), bytearray()
        return rest

    def drain(self):
        """Takes what is there, so that a peer that answers is never blocked by us."""
        if self.eof or not select.select([self.sock], [], [], 0)[0]:
            return
        try:
            got = self.sock.recv(65536)
            self.buffer += got
            self.eof = not got
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        except (ConnectionError, ssl.SSLError):
            self.eof = True

    def send(self, data, until):
        view = memoryview(data)
        while view:
            self.drain()
            try:
                view = view[self.sock.send(view[:65536]):]
            except (ssl.SSLWantWriteError, BlockingIOError):
                self.wait_either(until)
            except (ConnectionError, ssl.SSLError):
                raise Closed() from None

    def wait_either(self, until):
        reads = [] if self.eof else [self.sock]
        if not any(select.select(reads, [self.sock], [], max(0, until - time.monotonic()))[:2]):
            raise Failure("the peer takes nothing more within the deadline")

    def handshake(self, context, until, server=False, name=None):
        if self.buffer:
            raise Failure(f"bytes before the TLS handshake: {bytes(self.buffer)[:80]!r}")
        try:
            self.sock = context.wrap_socket(self.sock, server_side=server, server_hostname=name,
                                            do_handshake_on_connect=False)
            while True:
                try:
                    self.sock.do_handshake()
                    return
                except ssl.SSLWantReadError:
                    self.wait(until, what="TLS handshake")
                except ssl.SSLWantWriteError:
                    self.wait(until, True, "TLS handshake")
        except (ssl.SSLError, ConnectionError) as e:
            raise Failure(f"TLS handshake: {e}") from None

    def shut(self):
        """No more from us; the other direction stays open."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.sock.close()
        self.eof = True

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()
