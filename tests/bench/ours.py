"""Postern as the bench runs it: a build without the tests' switches, installed below the build, started by root with its
own system users, as ./quickstart does. Directories and ports are private.
"""

import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.append(str(TOP / "tests" / "script"))

from postfix import files  # noqa: E402
from suite import Suite, free_port, make_users  # noqa: E402


def install():
    """The programs to measure: build/bench, or what POSTERN_BUILD names; returns the prefix."""
    build = pathlib.Path(os.environ.get("POSTERN_BUILD", TOP / "build" / "bench")).resolve()
    if not (TOP / "configure").exists():
        subprocess.run(["autoreconf", "-i"], cwd=TOP, check=True, stdout=sys.stderr)
    build.mkdir(parents=True, exist_ok=True)
    if not (build / "Makefile").exists():
        subprocess.run([TOP / "configure", "-q", "CFLAGS=-O2 -g"], cwd=build, check=True, stdout=sys.stderr)
    prefix = build / "inst"
    for target in ("all", "install-exec", "install-daemonPROGRAMS"):
        subprocess.run(["make", "-s", "-j2", target, f"prefix={prefix}", f"sysconfdir={prefix}/etc"], cwd=build,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if os.geteuid() == 0:
        make_users()
    return prefix


class Postern:
    """One instance in a directory, with the face that postfix.Postfix has."""

    name = "Postern"

    def __init__(self, directory, port, group, prefix):
        self.suite = Suite("postern", prefix, directory)
        self.suite.ports["smtp"] = self.port = port
        self.group = group
        self.suite.set_main("message_size_limit = 52428800\nsmtpd_peername_lookup = no\n"
                            "smtpd_client_connection_count_limit = 0\n"
                            "default_destination_concurrency_limit = 50\nlocal_destination_concurrency_limit = 50\n")
        self.suite.accounts = ["anna"]
        self.new = self.suite.home("anna") / "Maildir" / "new"
        self.spool = self.suite.spool

    def set(self, line):
        self.suite.set_main(line)

    def start(self):
        self.suite.dir.mkdir(parents=True, exist_ok=True)
        self.suite.write()
        with self.group.entered():
            self.suite.start(30)

    def queued(self):
        return files(self.spool / "queue")

    def settled(self, count):
        """All deferred, by what postqueue says (Postern keeps states in memory)."""
        said = subprocess.run(self.mailq(), capture_output=True, text=True, check=True).stdout
        return len(re.findall(r"^[0-9A-Za-z]+ ", said, re.M)) >= count

    def mailq(self):
        return [str(self.suite.tool("postqueue")), "-c", str(self.suite.config), "-p"]

    def flush(self):
        subprocess.run([self.suite.tool("postqueue"), "-c", self.suite.config, "-f"], check=True)

    def pids(self, kind):
        return self.suite.pids(kind)

    def stop(self):
        self.suite.stop(60)


__all__ = ["Postern", "free_port", "install"]
