"""The plan of faults that a test shares with every process of a suite: orders, counts and records.

Its layout is lib/base/sys_shared.h's. The suite must be a build with --enable-proof, and started with
POSTERN_FAULT_MAP set to the file's path.
"""

import mmap
import os
import struct

MAGIC = b"psfault1"
HEAD = struct.Struct("=8sQQQ")
LOG_END_AT = 24
ORDERS_AT = 64
ORDER_SIZE = 128
ORDERS = 8
ARMED_AT, KINDS_AT, COUNT_AT, FIRED_AT = 32, 36, 56, 64
LOG_AT = 4096

KINDS = ("open", "tmpfile", "write", "pwrite", "read", "pread", "fsync", "fdatasync", "syncfs", "ftruncate", "rename",
         "link", "unlink", "mkdir", "fchmod", "fchown", "futimens", "close")
CHANGES = tuple(kind for kind in KINDS if kind not in ("read", "pread", "close"))
ERRORS = {"kill": 0, "EIO": 5, "EMFILE": 24, "ENOSPC": 28, "EDQUOT": 122}


def bits(kinds):
    return sum(1 << KINDS.index(kind) for kind in kinds)


class Record:
    """One call: its name, result (the errno's name after "-"), and words."""

    __slots__ = ("place", "kind", "result", "words")

    def __init__(self, place, line):
        parts = line.split(" ")
        self.place = place
        self.kind = parts[0]
        self.result = parts[1] if len(parts) > 1 else ""
        self.words = dict(part.split("=", 1) for part in parts[2:] if "=" in part) if self.kind != "note" else {}
        if self.kind == "note":
            self.result = line.partition(" ")[2]

    @property
    def good(self):
        return not self.result.startswith("-")

    def number(self, key, default=None):
        return int(self.words[key]) if key in self.words else default

    def text(self, key):
        return bytes.fromhex(self.words[key]).decode("utf-8", "surrogateescape") if key in self.words else None

    def data(self):
        return bytes.fromhex(self.words.get("data", ""))


class FaultMap:
    """Owns the file, which its user removes."""

    def __init__(self, path, log_bytes=0):
        self.path = path
        size = LOG_AT + max(log_bytes, 4096)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(fd, 0o666)
        os.ftruncate(fd, size)
        self.map = mmap.mmap(fd, size)
        os.close(fd)
        log_at = LOG_AT if log_bytes else 0
        self.map[:HEAD.size] = HEAD.pack(MAGIC, size, log_at, log_at)

    def forget(self):
        """Drops all records; nobody may be writing any."""
        self.map[LOG_END_AT:LOG_END_AT + 8] = struct.pack("=Q", LOG_AT)

    def close(self):
        self.map.close()

    def arm(self, program, at, error, kinds=CHANGES, many=1, slot=0):
        """The AT-th of those calls in that program fails, and those behind it, MANY in all; at=0 only counts."""
        base = ORDERS_AT + slot * ORDER_SIZE
        self.disarm(slot)
        self.map[base:base + ORDER_SIZE] = struct.pack("=32sIIiIQQII56x", program.encode(), 0, bits(kinds), ERRORS[error],
                                                       many, at, 0, 0, 0)
        self.put(base + ARMED_AT, 1)

    def disarm(self, slot=0):
        self.put(ORDERS_AT + slot * ORDER_SIZE + ARMED_AT, 0)

    def put(self, at, value):
        self.map[at:at + 4] = struct.pack("=I", value)

    def count(self, slot=0):
        return struct.unpack_from("=Q", self.map, ORDERS_AT + slot * ORDER_SIZE + COUNT_AT)[0]

    def fired(self, slot=0):
        return struct.unpack_from("=I", self.map, ORDERS_AT + slot * ORDER_SIZE + FIRED_AT)[0]

    def place(self):
        """Where the next record will stand: all that is recorded stands before it."""
        return struct.unpack_from("=Q", self.map, LOG_END_AT)[0]

    def records(self):
        """All records that are whole; a hole is a call whose process was killed while it wrote."""
        at, end = LOG_AT, self.place()
        if end > len(self.map):
            raise ValueError(f"the records do not fit: {end} bytes")
        while at < end:
            size, whole = struct.unpack_from("=II", self.map, at)
            if whole:
                line = bytes(self.map[at + 8:at + 8 + size]).decode("ascii", "replace").rstrip("\n")
                yield Record(at, line)
            at += (8 + size + 7) & ~7
