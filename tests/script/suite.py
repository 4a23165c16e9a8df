"""A private Postern: installed programs, a configuration in a directory of its own, free ports, its processes.

Used by the transcripts, by tests/e2e and by tests/walls. As root it runs as it does on a server, with the system users;
as an ordinary user all of it runs as that user. It ends only processes that its own master started.
"""

import contextlib
import encodings.idna  # noqa: F401: sockets load it late, when an ordinary user may not reach Python's own files
import fcntl
import grp
import json
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
UNPRIVILEGED = 65533  # the uid of tests that root runs as an ordinary user: in no passwd file

SYSTEM_USERS = ("postern", "postern-log", "postern-dns", "postern-rewrite", "postern-auth", "postern-anvil",
                "postern-bounce", "postern-pickup", "postern-local", "postern-smtp", "postern-smtpd",
                "postern-login", "vmail")

MAIN = {
    "myhostname": "mail.example.test",
    "mydomain": "example.test",
    "myorigin": "example.test",
    "mydestination": "example.test",
    "inet_protocols": "ipv4",
    "mynetworks": "127.0.0.0/8",
    "recipient_delimiter": "+",
    "alias_maps": "",
    "alias_database": "",
    "virtual_minimum_uid": "100",
}

# Rows of master.cf for whatever has been built: name, program.
SERVICES = (("log", "log"), ("dns", "dns"), ("anvil", "anvil"), ("authd", "authd"), ("rewrite", "rewrite"),
            ("qmgr", "qmgr"), ("pickup", "pickup"), ("bounce", "bounce"), ("smtp", "smtp"), ("relay", "smtp"),
            ("local", "local"), ("virtual", "local"), ("deliverer", "deliverer"), ("imapuser", "imapuser"),
            ("pop3user", "pop3user"))


class SuiteError(Exception):
    """What a suite was asked to do did not happen."""


def build_dir():
    given = os.environ.get("POSTERN_BUILD")
    return pathlib.Path(given).resolve() if given else TOP / "build"


def install(build):
    """Installs the build below itself once, whoever asks first; returns the prefix."""
    prefix = build / "inst"
    if os.geteuid() == 0:
        make_users()  # postdrop is installed with a group of theirs
    if prefix.exists() and not os.access(build, os.W_OK):
        return prefix
    with open(build / "inst.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-C", build, "install", f"prefix={prefix}", "sysconfdir=" + str(prefix / "etc")],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SuiteError("make install failed:\n" + done.stdout[-2000:] + done.stderr[-2000:])
    return prefix


def make_users():
    """The system users that a suite started by root needs."""
    names = {p.pw_name for p in pwd.getpwall()}
    if names >= set(SYSTEM_USERS):
        return
    script = TOP / "conf" / "make-users"
    if script.exists():
        subprocess.run([script], check=True, capture_output=True)
        return
    for name in set(SYSTEM_USERS) - names:
        subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                        "--shell", "/usr/sbin/nologin", name], check=True, capture_output=True)


def reachable(path):
    """May everybody come to this path?"""
    return all(p.stat().st_mode & 0o005 == 0o005 for p in (path, *path.parents))


def become(uid):
    """From root to an ordinary user for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def free_port():
    """A port that nobody listens on at any address, below those the kernel gives to clients."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("0.0.0.0", port))
            return port
    raise SuiteError("no free port")


def temporary():
    """A directory with a short name: paths of sockets are limited to 107 bytes."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pst-", dir=os.environ.get("TMPDIR", "/tmp")))
    path.chmod(0o755)
    return path


def wait_for(what, seconds, probe, alive=None):
    """What probe() returns as soon as it is true; polls, since files and processes send no message."""
    until = time.monotonic() + seconds
    pause = 0.002
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > until:
            raise SuiteError(f"{what}: not within {seconds:g} s")
        if alive is not None and not alive():
            raise SuiteError(f"{what}: the suite ended before")
        time.sleep(min(pause, 0.05))
        pause *= 1.3


def stat_fields(pid):
    """(state, parent) of a process, None when there is none."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return fields[0], int(fields[1])


class Suite:
    """One instance. Its files lie in self.dir; self.ports says where it listens."""

    def __init__(self, name, prefix, base, address="127.0.0.1"):
        self.name = name
        self.prefix = pathlib.Path(prefix)
        self.dir = pathlib.Path(base) / name
        self.address = address
        self.config = self.dir / "etc"
        self.spool = self.dir / "spool"
        self.mail = self.dir / "mail"
        self.log_path = self.dir / "maillog"
        self.out_path = self.dir / "stdout"
        self.rootless = os.geteuid() != 0
        self.main = []
        self.master = []
        self.ports = {"smtp": free_port()}
        self.fronts = {"smtp": "smtpd"}
        self.accounts = ["anna", "bert"]
        self.owners = {}  # uids of accounts that have one of their own, as root
        self.process = None
        self.killed = set()
        self.env = {}

    # Configuration

    def program(self, name):
        return self.prefix / "libexec" / "postern" / name

    def tool(self, name):
        return self.prefix / "sbin" / name

    def set_main(self, text):
        """Adds lines of main.cf; a parameter set again replaces the line that set it before."""
        for line in text.split("\n"):
            name = line.split("=")[0].strip()
            if name and "=" in line and not line[0].isspace():
                self.main = [old for old in self.main if old.split("=")[0].strip() != name]
            if line.strip():
                self.main.append(line)

    def listen(self, service, command):
        self.ports[service] = free_port()
        self.fronts[service] = command

    def main_text(self):
        directories = {
            "inet_interfaces": self.address,
            "queue_directory": self.spool,
            "data_directory": self.dir / "data",
            "daemon_directory": self.prefix / "libexec" / "postern",
            "command_directory": self.prefix / "sbin",
            "maillog_file": self.log_path,
            "virtual_mailbox_base": self.mail,
            "auth_passwd_file": self.config / "passwd",
        }
        own = {line.split("=")[0].strip() for line in self.main}
        lines = [f"{k} = {v}" for k, v in {**MAIN, **directories}.items() if k not in own]
        return "\n".join(lines + self.main) + "\n"

    def master_text(self):
        rows = [f"{name} unix - - n - 1 {program}" for name, program in SERVICES if self.program(program).exists()]
        for service, command in self.fronts.items():
            rows.append(f"{self.address}:{self.ports[service]} inet n - y - - {command}")
        own = {row.split()[0] for row in self.master if not row[0].isspace()}
        return "\n".join([r for r in rows if r.split()[0] not in own] + self.master) + "\n"

    def write(self):
        """Writes all files anew; spool, log and mail stay."""
        for path in (self.dir, self.config, self.mail):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        (self.config / "main.cf").write_text(self.main_text(), encoding="utf-8")
        (self.config / "master.cf").write_text(self.master_text(), encoding="utf-8")
        uid, gid = os.geteuid(), os.getegid()
        if not self.rootless:
            vmail = pwd.getpwnam("vmail")
            uid, gid = vmail.pw_uid, vmail.pw_gid
        rows = []
        for account in self.accounts:
            home = self.home(account)
            home.mkdir(parents=True, exist_ok=True)
            owner = uid if self.rootless else self.owners.get(account, uid)
            if not self.rootless:
                for path in (home, *home.parents):
                    if path == self.mail:
                        break
                    os.chown(path, owner, gid if owner == uid else owner)
            rows.append(f"{account}:{{PLAIN}}secret:{owner}:{gid if owner == uid else owner}::{home}::\n")
        passwd = self.config / "passwd"
        passwd.write_text("".join(rows), encoding="utf-8")
        passwd.chmod(0o640)
        if not self.rootless:
            os.chown(passwd, 0, grp.getgrnam("postern-auth").gr_gid)

    def home(self, account):
        return self.mail / "/".join(reversed(account.split("@")))

    # Running

    def command(self):
        return [str(self.program("master")), "-c", str(self.config), "-d"]

    def start(self, seconds=10):
        seen = self.log_text().count("daemon started")
        with open(self.out_path, "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            cwd="/", start_new_session=True, env={**os.environ, **self.env})
        wait_for(f"start of {self.name}", seconds, lambda: self.log_text().count("daemon started") > seen, self.alive)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=20):
        """In order, by SIGTERM; returns master's exit status. What is left after the time is killed, and told."""
        if not self.alive():
            return None
        family = self.family()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise SuiteError(f"{self.name} did not stop within {seconds:g} s") from None
        left = [pid for pid in family if (stat_fields(pid) or "Z")[0] != "Z"]
        if left:
            self.end(left)
            raise SuiteError(f"{self.name} stopped and left processes {left}")
        return status

    def kill_all(self):
        """The end of a test that went wrong: master first, so that it starts nothing anew."""
        family = self.family()
        if self.alive():
            self.process.kill()
            self.process.wait()
        self.end(family)

    @staticmethod
    def end(pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def reload(self, seconds=10):
        seen = self.log_text().count(": reload -- ")
        self.process.send_signal(signal.SIGHUP)
        wait_for(f"reload of {self.name}", seconds, lambda: self.log_text().count(": reload -- ") > seen, self.alive)

    # Processes

    def family(self):
        """Pids of master's children."""
        if self.process is None:
            return []
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat_fields(entry)
                if fields and fields[0] != "Z" and fields[1] == self.process.pid:
                    found.append(int(entry))
        return sorted(found)

    def processes(self):
        """{pid: kind} of master's children; a child that has not yet become its program is left out."""
        kinds = {}
        for pid in self.family():
            with contextlib.suppress(OSError):
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                name = line[0].decode("utf-8", "replace")
                if len(line) <= 2 and name:
                    kinds[pid] = name
        return kinds

    def pids(self, kind):
        return [pid for pid, name in self.processes().items() if name == kind]

    def kill(self, kind, signo=signal.SIGKILL, seconds=10):
        """Ends all processes of that kind and waits until they are gone; returns their pids."""
        pids = wait_for(f"a process {self.name}.{kind}", seconds, lambda: self.pids(kind), self.alive)
        self.killed.update(pids)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signo)
        wait_for(f"end of {self.name}.{kind}", seconds, lambda: not set(pids) & set(self.family()), self.alive)
        return pids

    def respawned(self, kind, seconds=10):
        return wait_for(f"a new process {self.name}.{kind}", seconds,
                        lambda: [p for p in self.pids(kind) if p not in self.killed], self.alive)

    def memory(self, kind):
        """The most resident bytes of any process of that kind."""
        most = 0
        for pid in self.pids(kind):
            with contextlib.suppress(OSError):
                text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
                found = re.search(r"^VmRSS:\s+(\d+)", text, re.M)
                most = max(most, int(found.group(1)) * 1024 if found else 0)
        return most

    # What it wrote

    def log_text(self):
        try:
            return self.log_path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def out_text(self):
        try:
            return self.out_path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    TROUBLE = re.compile(r"killed by signal|exit status \d|: fatal: |Assertion .* failed|ERROR: AddressSanitizer"
                         r"|ERROR: LeakSanitizer|runtime error:|malformed packet")

    def trouble(self, log_from=0, out_from=0):
        """Lines that no run should have, but for processes that were killed on purpose."""
        lines = (self.log_text()[log_from:] + "\n" + self.out_text()[out_from:]).split("\n")
        found = []
        for line in lines:
            pid = re.search(r"pid (\d+) killed by signal", line)
            if self.TROUBLE.search(line) and not (pid and int(pid.group(1)) in self.killed):
                found.append(line)
        return found

    def messages(self, account):
        """Files of all messages in an account's inbox."""
        home = self.home(account)
        found = []
        for folder in ("new", "cur"):
            for root in (home, home / "Maildir"):
                with contextlib.suppress(OSError):
                    found += [root / folder / name for name in os.listdir(root / folder)]
        return sorted(found)

    def queue(self):
        """Messages in the queue, as postqueue -j tells them, or as there are files."""
        if not self.tool("postqueue").exists():
            return [{"queue_id": p.name} for p in (self.spool / "queue").rglob("*") if p.is_file()]
        done = subprocess.run([self.tool("postqueue"), "-c", self.config, "-j"], capture_output=True, text=True,
                              timeout=20, check=False)
        if done.returncode != 0:
            raise SuiteError(f"postqueue -j ended with {done.returncode}: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.split("\n") if line]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
