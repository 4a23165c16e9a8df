"""What a power cut leaves on a disk: a model of files and directories that follows the records of a run.

What was synced is there. Of what was not, the strict model may lose or keep each change on its own, in any order, and
tear writes into sectors; the ordered model is ext4's data=ordered: changes of names are a journal, of which a prefix is
left, a sync of anything commits all of it, and of each file's growth a prefix is left. Where the systems differ, the
strict model takes the worse: a synced file has no name unless its directory was synced, too. A rename is one change in
both, and comes after what its names went through before, as every journal has it. What a sync could not write (EIO) no
later sync writes.
"""

import os
import stat

SECTOR = 512


class File:
    """A file: what is on the disk, and the changes of its bytes that may not be."""

    def __init__(self, root, data=b"", fresh=True):
        self.root = root  # the file system it is on
        self.data = data
        self.fresh = fresh  # its inode was never synced
        self.changes = []  # Write or Cut, in their order


class Directory:
    def __init__(self, root):
        self.root = root
        self.entries = {}  # as every process sees them now
        self.durable = {}  # as the disk has them
        self.mtime = None  # of the durable ones, ns; None: not known


class Write:
    __slots__ = ("place", "at", "data", "given_up")

    def __init__(self, place, at, data):
        self.place, self.at, self.data, self.given_up = place, at, data, False


class Cut:
    __slots__ = ("place", "size", "given_up")

    def __init__(self, place, size):
        self.place, self.size, self.given_up = place, size, False


class Change:
    """One change of names: what is added and what is removed, as (directory, name[, object]); and the times that the
    directories have got by it."""

    __slots__ = ("place", "add", "remove", "times")

    def __init__(self, record, add=(), remove=(), times=()):
        self.place, self.add, self.remove = record.place, add, remove
        self.times = [(directory, record.number(key)) for directory, key in times]

    def directories(self):
        return {id(d) for d, *_ in [*self.add, *self.remove]}

    def places(self):
        return {(id(d), name) for d, name, *_ in [*self.add, *self.remove]}


def patched(data, change, sectors=None):
    """DATA after a change of bytes; SECTORS: those of the write that arrive, by number from its first."""
    if isinstance(change, Cut):
        return data[:change.size].ljust(change.size, b"\0")
    end = change.at + len(change.data)
    if sectors is None:
        return data[:change.at].ljust(change.at, b"\0") + change.data + data[end:]
    out = bytearray(data.ljust(end, b"\0"))
    first = change.at // SECTOR
    for number in sectors:
        low = max(change.at, (first + number) * SECTOR)
        high = min(end, (first + number + 1) * SECTOR)
        out[low:high] = change.data[low - change.at:high - change.at]
    return bytes(out)


def sectors_of(change):
    return range((change.at + len(change.data) - 1) // SECTOR - change.at // SECTOR + 1) if change.data else range(0)


class Disk:
    """Files below some directories, each a file system of its own: from a first look at them, then record by record."""

    def __init__(self, roots, ordered=False):
        self.ordered = ordered
        self.files = []  # all that there ever were
        self.objects = {}  # inode: File or Directory
        self.roots = {}  # name: Directory
        self.changes = []  # of names, not known to be durable
        for name, path in roots.items():
            self.roots[name] = self.look(name, path)

    def look(self, root, path):
        directory, info = Directory(root), os.stat(path)
        directory.mtime = info.st_mtime_ns
        self.objects[info.st_ino] = directory
        for entry in os.scandir(path):
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                found = self.look(root, entry.path)
            elif info.st_ino in self.objects:
                found = self.objects[info.st_ino]
            else:
                with open(entry.path, "rb") as f:
                    found = self.made(root, info.st_ino, f.read(), False)
            directory.entries[entry.name] = directory.durable[entry.name] = found
        return directory

    def made(self, root, inode, data=b"", fresh=True):
        """A new file; the number of its inode may have been another's."""
        found = self.objects[inode] = File(root, data, fresh)
        self.files.append(found)
        return found

    # Following the records

    def follow(self, record):
        """Takes up one call; calls elsewhere on the disk are none of ours."""
        handler = self.HANDLERS.get(record.kind)
        if handler and record.good:
            handler(self, record)
        elif record.kind in ("fsync", "fdatasync", "syncfs") and record.result == "-EIO":
            self.give_up(record)

    def give_up(self, record):
        """A sync has failed: pages that it did not write are clean now, and no later sync writes them. Pages that were
        written to while it ran may be among them."""
        there = self.objects.get(record.number("ino"))
        for found in self.files:
            if found is there or record.kind == "syncfs" and there is not None and found.root == there.root:
                for change in found.changes:
                    change.given_up = True

    def place_of(self, inode, name):
        """(Directory, last name) of a name in a directory."""
        directory = self.objects.get(inode)
        parts = [part for part in (name or "").split("/") if part not in ("", ".")]
        for part in parts[:-1]:
            directory = directory.entries.get(part) if isinstance(directory, Directory) else None
        return (directory, parts[-1]) if isinstance(directory, Directory) and parts else (None, "")

    def change(self, change):
        for directory, name, obj in change.add:
            directory.entries[name] = obj
        for directory, name in change.remove:
            directory.entries.pop(name, None)
        self.changes.append(change)

    def on_open(self, record):
        flags, inode = record.number("flags", 0), record.number("ino")
        directory, name = self.place_of(record.number("dir_ino"), record.text("name"))
        if directory is None:
            return
        found = directory.entries.get(name)
        if found is None and flags & os.O_CREAT:
            found = self.made(directory.root, inode)
            self.change(Change(record, [(directory, name, found)], times=[(directory, "dir_mtime")]))
        elif isinstance(found, File) and flags & os.O_TRUNC and flags & (os.O_WRONLY | os.O_RDWR):
            found.changes.append(Cut(record.place, 0))
        if found is not None:
            self.objects[inode] = found

    def on_tmpfile(self, record):
        directory = self.objects.get(record.number("dir_ino"))
        if directory is not None:
            self.made(directory.root, record.number("ino"))

    def file_of(self, record):
        found = self.objects.get(record.number("ino"))
        return found if isinstance(found, File) else None

    def on_write(self, record):
        found, at = self.file_of(record), record.number("at", -1)
        if found is not None and at >= 0:
            found.changes.append(Write(record.place, at, record.data()))

    def on_truncate(self, record):
        found = self.file_of(record)
        if found is not None:
            found.changes.append(Cut(record.place, record.number("number")))

    def on_rename(self, record):
        source, old = self.place_of(record.number("dir_ino"), record.text("name"))
        target, new = self.place_of(record.number("to_ino"), record.text("to"))
        if source is None or target is None or old not in source.entries:
            return
        self.change(Change(record, [(target, new, source.entries[old])], [(source, old)],
                           [(source, "dir_mtime"), (target, "to_mtime")]))

    def on_link(self, record):
        target, new = self.place_of(record.number("to_ino"), record.text("to"))
        if record.text("name") is not None:
            source, old = self.place_of(record.number("dir_ino"), record.text("name"))
            found = source.entries.get(old) if source else None
        else:
            found = self.objects.get(record.number("ino"))
        if target is not None and found is not None:
            self.change(Change(record, [(target, new, found)], times=[(target, "to_mtime")]))

    def on_unlink(self, record):
        directory, name = self.place_of(record.number("dir_ino"), record.text("name"))
        if directory is not None and name in directory.entries:
            self.change(Change(record, remove=[(directory, name)], times=[(directory, "dir_mtime")]))

    def on_mkdir(self, record):
        directory, name = self.place_of(record.number("dir_ino"), record.text("name"))
        if directory is not None:
            # Its inode is learnt when it is opened.
            self.change(Change(record, [(directory, name, Directory(directory.root))], times=[(directory, "dir_mtime")]))

    def sync_file(self, found, begun):
        while found.changes and found.changes[0].place < begun:
            change = found.changes.pop(0)
            if not change.given_up:
                found.data = patched(found.data, change)
        found.fresh = False

    def sync_names(self, begun, concerns):
        """Changes of names in directories that this CONCERNS, made before BEGUN, are durable. Whatever came before one
        of them under the same name went before it."""
        # A rename is there with its target.
        wanted = self.closed({index for index, change in enumerate(self.changes)
                              if change.place < begun and any(concerns(d) for d, *_ in change.add or change.remove)})
        for index in sorted(wanted):
            change = self.changes[index]
            for target, name, obj in change.add:
                target.durable[name] = obj
            for target, name in change.remove:
                target.durable.pop(name, None)
            for target, mtime in change.times:
                target.mtime = mtime
        self.changes = [change for index, change in enumerate(self.changes) if index not in wanted]

    def commits(self, found, record):
        """Does a sync of this file end a transaction of the journal?"""
        size = len(found.data)
        grows = any(isinstance(c, Cut) or c.at + len(c.data) > size for c in found.changes)
        return found.fresh or grows or (record.kind == "fsync" and bool(found.changes))

    def on_fsync(self, record):
        begun = record.number("begun", record.place)
        found = self.objects.get(record.number("ino"))
        if isinstance(found, File):
            if self.ordered and self.commits(found, record):
                self.sync_names(begun, lambda d: d.root == found.root)
            self.sync_file(found, begun)
        elif found is not None:
            self.sync_names(begun, lambda d: d is found or self.ordered and d.root == found.root)

    def on_syncfs(self, record):
        begun = record.number("begun", record.place)
        there = self.objects.get(record.number("ino"))
        if there is None:
            return
        for found in self.files:
            if found.root == there.root:
                self.sync_file(found, begun)
        self.sync_names(begun, lambda d: d.root == there.root)

    HANDLERS = {"open": on_open, "tmpfile": on_tmpfile, "write": on_write, "pwrite": on_write, "ftruncate": on_truncate,
                "rename": on_rename, "link": on_link, "unlink": on_unlink, "mkdir": on_mkdir, "fsync": on_fsync,
                "fdatasync": on_fsync, "syncfs": on_syncfs}

    # What a cut here may leave

    def closed(self, names):
        """With what came before one of them under the same name: a directory's entry has one history. And no file is moved
        into a directory whose own name is not there: a journal that has the move has that, too."""
        kept, touched, parents = set(), set(), set()
        for index in reversed(range(len(self.changes))):
            change = self.changes[index]
            places = change.places()
            if index in names or places & touched or any(id(obj) in parents for *_, obj in change.add):
                kept.add(index)
                touched |= places
                if change.remove:
                    parents |= {id(directory) for directory, *_ in change.add}
        return kept

    def state(self, names, tear):
        """A tree {path: bytes, or a directory's time}: the changes of names that are kept, by index, and TEAR(file),
        what is left of each file that still has a name."""
        names = self.closed(names)
        views, times, broken = {}, {}, set()
        for directory in self.directories():
            views[id(directory)] = dict(directory.durable)
            times[id(directory)] = directory.mtime
        for index, change in enumerate(self.changes):
            if index not in names:
                broken |= change.directories()
                continue
            for directory, name, obj in change.add:
                views.setdefault(id(directory), {})[name] = obj
            for directory, name in change.remove:
                views.setdefault(id(directory), {}).pop(name, None)
            for directory, mtime in change.times:
                # With an earlier change lost its time would hide that: no disk does that.
                times[id(directory)] = None if id(directory) in broken else mtime
        tree, bytes_of = {}, {}
        for root, directory in self.roots.items():
            self.walk(root, directory, (views, times, bytes_of), tear, tree)
        return tree

    def walk(self, path, directory, seen, tear, tree):
        views, times, bytes_of = seen
        tree[path] = times.get(id(directory))
        for name, obj in views.get(id(directory), {}).items():
            if isinstance(obj, Directory):
                self.walk(f"{path}/{name}", obj, seen, tear, tree)
            else:
                if id(obj) not in bytes_of:
                    bytes_of[id(obj)] = tear(obj)
                tree[f"{path}/{name}"] = bytes_of[id(obj)]

    def directories(self):
        seen = {id(d): d for d in list(self.objects.values()) + list(self.roots.values()) if isinstance(d, Directory)}
        for change in self.changes:
            for _, _, obj in change.add:
                if isinstance(obj, Directory):
                    seen[id(obj)] = obj
        return seen.values()


# Ways to tear a file

def keep_all(found):
    data = found.data
    for change in found.changes:
        data = patched(data, change)
    return data


def keep_none(found):
    return found.data


def sizes_only(found):
    """The size of a file has grown, its blocks were never written."""
    grown = len(keep_all(found))
    return found.data[:grown].ljust(grown, b"\0")


def torn(choose, ordered):
    """Any of the changes, with any of their sectors; ordered: a prefix of a file's growth."""
    def tear(found):
        data, left = found.data, True
        for change in found.changes:
            grows = isinstance(change, Cut) or change.at + len(change.data) > len(data)
            fate = choose.choice(("keep", "keep", "lose", "tear"))
            if ordered and grows:
                left = left and fate != "lose"
                if not left:
                    continue
                if fate == "tear" and isinstance(change, Write):
                    keep = choose.randrange(len(sectors_of(change)) + 1)
                    end = min(len(change.data), max(0, (change.at // SECTOR + keep) * SECTOR - change.at))
                    data, left = patched(data, Write(change.place, change.at, change.data[:end])), False
                    continue
                data = patched(data, change)
            elif fate == "keep" or (fate == "tear" and isinstance(change, Cut)):
                data = patched(data, change)
            elif fate == "tear":
                data = patched(data, change, [s for s in sectors_of(change) if choose.random() < 0.5])
        return data
    return tear


EXHAUSTIVE = 5  # changes of names, all subsets of which are tried


def states(disk, choose, samples):
    """Trees that a cut at this moment may leave. Exhaustive in the names where they are few; sampled, with the extremes
    always among them, where they are many; each with whole, lost and torn bytes."""
    n, ordered = len(disk.changes), disk.ordered
    if ordered:
        sets = [set(range(k)) for k in range(n + 1)]
        if len(sets) > samples:
            sets = [sets[0], sets[-1]] + choose.sample(sets[1:-1], samples - 2)
    elif n <= EXHAUSTIVE:
        sets = [{i for i in range(n) if mask >> i & 1} for mask in range(1 << n)]
    else:
        sets = [set(), set(range(n))]
        sets += [{i for i in range(n) if choose.random() < p} for p in (0.2, 0.5, 0.8) for _ in range(samples // 3)]
    tears = [keep_none, keep_all] + ([] if ordered else [sizes_only]) + [torn(choose, ordered)]
    for kept in sets:
        for tear in tears:
            yield disk.state(kept, tear)


def write_tree(tree, roots):
    """Makes a tree below real directories, which are empty; ROOTS: {name: path}."""
    directories = []
    for path, data in tree.items():
        root, _, rest = path.partition("/")
        where = os.path.join(roots[root], rest) if rest else roots[root]
        if isinstance(data, bytes):
            with open(where, "wb") as f:
                f.write(data)
        else:
            os.makedirs(where, exist_ok=True)
            directories.append((where, data))
    for where, mtime in directories:
        if mtime is not None:
            os.utime(where, ns=(mtime, mtime))


def fingerprint(tree):
    return hash(tuple(sorted((path, data if isinstance(data, bytes) else b"") for path, data in tree.items())))


def told(record):
    """A short line of a record, for failures."""
    names = [record.text(key) for key in ("name", "to") if record.text(key)]
    return " ".join([record.kind, record.result, *names])
