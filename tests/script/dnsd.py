"""A scripted DNS server, UDP and TCP on one loopback port, for suites under test.

Lines of its script: NAME TYPE DATA, as in a zone file, or NAME TYPE BEHAVIOUR with one of those below; TYPE * is any type,
NAME may be a glob. The first line that fits a question decides; several records of one name and type answer together.
What nobody speaks of does not exist (NXDOMAIN). A zone signed beforehand is served by lines `NAME RRSIG hex:...`.
"""

import fnmatch
import ipaddress
import select
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DS": 43,
         "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "TLSA": 52}
RCODES = {"FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "NODATA": 0}
# TIMEOUT: no answer. TRUNCATED: none by UDP, the rest by TCP. MALFORMED: data cut short. LOOP: a name that points to
# itself. WRONGID: an answer to another question. GARBAGE: bytes. CLOSE: by TCP, the connection ends.
BEHAVIOURS = ("TIMEOUT", "TRUNCATED", "MALFORMED", "LOOP", "WRONGID", "GARBAGE", "CLOSE")
TTL = 60


def pack_name(name):
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def unpack_name(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    return ".".join(labels).lower() + ".", at + 1


def pack_data(kind, text):
    """The data of one record, from zone file text or hex:..."""
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    w = text.split()
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(text).packed
    if kind in ("NS", "CNAME", "PTR"):
        return pack_name(text)
    if kind == "MX":
        return struct.pack(">H", int(w[0])) + pack_name(w[1])
    if kind == "SRV":
        return struct.pack(">HHH", *map(int, w[:3])) + pack_name(w[3])
    if kind == "SOA":
        return pack_name(w[0]) + pack_name(w[1]) + struct.pack(">IIIII", *map(int, w[2:7]))
    if kind == "TLSA":
        return bytes(map(int, w[:3])) + bytes.fromhex("".join(w[3:]))
    if kind == "TXT":
        raw = text.strip('"').encode("utf-8")
        pieces = [raw[i:i + 255] for i in range(0, len(raw), 255)] or [b""]
        return b"".join(bytes([len(p)]) + p for p in pieces)
    raise ValueError(f"no way to write {kind} but hex:")


class Row:
    """One line of the script."""

    def __init__(self, line):
        name, self.kind, self.data = line.split(None, 2)
        self.name = name.lower() if name.endswith((".", "*")) else name.lower() + "."
        self.special = self.data if self.data in BEHAVIOURS or self.data in RCODES else None
        if self.special is None:
            self.packed = pack_data(self.kind, self.data)

    def fits(self, name, kind):
        return fnmatch.fnmatchcase(name, self.name) and (self.kind == "*" or TYPES[self.kind] == kind
                                                         or (self.kind == "CNAME" and self.special is None))


class Dns:
    """The server; runs on a thread until stop(). questions lists (name, type number, "udp" or "tcp")."""

    def __init__(self, rows, port=0, address="127.0.0.1"):
        self.rows = [Row(line) for line in rows]
        self.questions = []
        for _ in range(20):
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind((address, port))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind((address, self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(20)
        self.address = address
        self.wake = socket.socketpair()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def stop(self):
        self.wake[0].send(b"x")
        self.thread.join(5)
        for s in (self.udp, self.tcp, *self.wake):
            s.close()

    def serve(self):
        streams = {}
        while True:
            ready = select.select([self.udp, self.tcp, self.wake[1], *streams], [], [])[0]
            if self.wake[1] in ready:
                break
            for s in ready:
                if s is self.udp:
                    packet, sender = s.recvfrom(65535)
                    reply = self.answer(packet, "udp")
                    if reply:
                        s.sendto(reply, sender)
                elif s is self.tcp:
                    streams[s.accept()[0]] = b""
                elif not self.serve_stream(s, streams):
                    s.close()
                    del streams[s]
        for s in streams:
            s.close()

    def serve_stream(self, s, streams):
        try:
            got = s.recv(65535)
        except OSError:
            got = b""
        streams[s] += got
        while len(streams[s]) >= 2:
            size = struct.unpack(">H", streams[s][:2])[0]
            if len(streams[s]) < size + 2:
                break
            packet, streams[s] = streams[s][2:size + 2], streams[s][size + 2:]
            reply = self.answer(packet, "tcp")
            if reply == b"":
                return False
            if reply:
                s.sendall(struct.pack(">H", len(reply)) + reply)
        return bool(got)

    def answer(self, packet, over):
        """The reply to one question; None: none, b"": end the stream."""
        try:
            number, flags = struct.unpack(">HH", packet[:4])
            name, at = unpack_name(packet, 12)
            kind = struct.unpack(">H", packet[at:at + 2])[0]
        except (struct.error, IndexError):
            return None
        self.questions.append((name, kind, over))
        question = packet[12:at + 4]
        rows = [row for row in self.rows if row.fits(name, kind)]
        if not rows:
            known = any(fnmatch.fnmatchcase(name, row.name) for row in self.rows)
            return self.reply(number, flags, question, [], 0 if known else RCODES["NXDOMAIN"])
        special = rows[0].special
        if special in RCODES:
            return self.reply(number, flags, question, [], RCODES[special])
        if special:
            return self.misbehave(special, number, flags, question, over)
        return self.reply(number, flags, question, self.chain(name, kind, rows), 0)

    def chain(self, name, kind, rows):
        """Records of the answer; an alias brings along what it points to."""
        records = [(name, row.kind, row.packed) for row in rows if row.special is None]
        if rows[0].kind == "CNAME" and kind != TYPES["CNAME"]:
            records = records[:1]
            target = rows[0].data.rstrip(".").lower() + "."
            more = [row for row in self.rows if row.fits(target, kind) and row.kind != "CNAME" and row.special is None]
            records += [(target, row.kind, row.packed) for row in more]
        return records

    @staticmethod
    def reply(number, flags, question, records, rcode, truncated=False):
        head = struct.pack(">HHHHHH", number, 0x8480 | (flags & 0x0100) | rcode | (0x0200 if truncated else 0),
                           1, len(records), 0, 0)
        body = b"".join(pack_name(name) + struct.pack(">HHIH", TYPES[kind], 1, TTL, len(data)) + data
                        for name, kind, data in records)
        return head + question + body

    def misbehave(self, how, number, flags, question, over):
        if how == "TIMEOUT":
            return None
        if how == "GARBAGE":
            return struct.pack(">H", number) + b"\xff" * 30
        if how == "CLOSE":
            return b"" if over == "tcp" else self.reply(number, flags, question, [], 0, True)
        if how == "WRONGID":
            return self.reply(number ^ 0x5555, flags, question, [], 0)
        if how == "LOOP":
            head = self.reply(number, flags, question, [], 0)
            return head[:6] + b"\0\1" + head[8:] + struct.pack(">H", 0xc000 | len(head)) + b"\0\1\0\1\0\0\0\1\0\4abcd"
        if how == "TRUNCATED" and over == "udp":
            return self.reply(number, flags, question, [], 0, True)
        name, at = unpack_name(b"\0" * 12 + question, 12)
        kind = struct.unpack(">H", question[at - 12:at - 10])[0]
        if how == "TRUNCATED":
            rows = [row for row in self.rows if row.special is None and row.fits(name, kind)]
            return self.reply(number, flags, question, [(name, row.kind, row.packed) for row in rows], 0)
        # MALFORMED: a record that says it is longer than it is
        head = self.reply(number, flags, question, [], 0)
        return head[:6] + b"\0\1" + head[8:] + b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, TTL, 400) + b"\0"
