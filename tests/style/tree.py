"""The files that are checked: what git knows of (tracked, or new and not ignored), else the whole tree."""

import os
import re
import subprocess

from source import Source

# A folder here is a program or holds programs; lib/ is what they share.
DAEMONS = ("master", "smtpd", "qmgr", "smtp", "local", "pop3d", "imapd", "tools")
LIMITS = "lib/base/limits.h"
SKIPPED_FOLDERS = re.compile(r"^(build.*|autom4te\.cache|__pycache__|run|\..*)$")
GENERATED = re.compile(r"^(configure~?|config\.h\.in~?|aclocal\.m4|Makefile\.in|MANIFEST)$")
# Bytes that tests feed to parsers: not text that somebody wrote.
DATA = re.compile(r"^tests/(fuzz/seeds|corpus|.*/(data|samples))/")


class Finding:
    """One thing that is wrong: what, where, and what to do about it."""

    def __init__(self, rule, path, line, what, todo):
        self.rule, self.path, self.line, self.what, self.todo = rule, path, line, what, todo

    def __str__(self):
        return f"not ok - {self.rule}: {self.what}, {self.path}:{self.line}, {self.todo}"


class Note:
    """Something worth saying that fails nothing."""

    def __init__(self, text):
        self.text = text


class Tree:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.files = sorted(p for p in self._list() if not DATA.match(p) and not self._is_built(p))
        self._known = set(self.files)
        self._sources = {}
        self._with_main = {os.path.dirname(p) for p in self.files if re.search(r"/main[^/]*\.c$", p)}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            git = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=self.root, capture_output=True, check=False)
            if git.returncode == 0:
                found = set(git.stdout.decode().split("\0")) - {""}
                return [p for p in found if os.path.isfile(os.path.join(self.root, p))]
        return list(self._walk())

    def _walk(self):
        for folder, below, names in os.walk(self.root):
            below[:] = [x for x in below if not SKIPPED_FOLDERS.match(x) and x != "build-aux"]
            for name in names:
                if not GENERATED.match(name):
                    yield os.path.relpath(os.path.join(folder, name), self.root)

    def _is_built(self, path):
        """Does PATH lie in a build folder, whatever that is called?"""
        top = path.split("/")[0]
        return top != path and os.path.exists(os.path.join(self.root, top, "config.status"))

    def has(self, path):
        return path in self._known

    def path(self, path):
        return os.path.join(self.root, path)

    def text(self, path):
        with open(self.path(path), encoding="utf-8", errors="replace", newline="") as f:
            return f.read()

    def first_line(self, path):
        with open(self.path(path), "rb") as f:
            return f.readline(200).decode("utf-8", "replace")

    def source(self, path):
        if path not in self._sources:
            self._sources[path] = Source(path, self.text(path))
        return self._sources[path]

    def sources(self, *suffixes, below=("",)):
        """C sources with one of SUFFIXES below one of the folders."""
        for path in self.files:
            if path.endswith(suffixes) and any(in_folder(path, b) for b in below):
                yield self.source(path)

    def libs(self):
        """Names of the folders of lib/ that hold C."""
        return sorted({p.split("/")[1] for p in self.files
                       if p.startswith("lib/") and p.count("/") > 1 and p.endswith((".c", ".h"))})

    def has_main(self, folder):
        return folder in self._with_main

    def program(self, path):
        """The folder of the program PATH is part of: the nearest one with a main, else the top one."""
        folder = os.path.dirname(path)
        while "/" in folder:
            if self.has_main(folder):
                return folder
            folder = os.path.dirname(folder)
        return folder

    def resolve(self, includer, name):
        """The file that #include "NAME" in INCLUDER means, or None when the tree does not hold it."""
        own = os.path.normpath(os.path.join(os.path.dirname(includer), name))
        for path in (own, "lib/" + name, name):
            if path in self._known:
                return path
        return None


def in_folder(path, folder):
    return folder == "" or path.startswith(folder + "/")


def is_daemon(path):
    return path.split("/")[0] in DAEMONS
