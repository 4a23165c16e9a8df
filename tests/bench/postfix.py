"""The peers: Debian's Postfix and Dovecot, run from private directories on loopback ports and tuned as an ISP would.

install() puts the packages there without starting a service; nothing of the system's own configuration is used or
changed.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import sys

PACKAGES = ("postfix", "dovecot-core", "dovecot-imapd", "dovecot-pop3d")
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
DAEMONS = pathlib.Path("/usr/lib/postfix/sbin")
PROCESSES = 400


def installed():
    return all(shutil.which(p) for p in ("postfix", "smtp-source", "smtp-sink", "dovecot"))


def install():
    """Debian's packages; a policy-rc.d of ours keeps them from being started."""
    if installed():
        return
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        POLICY.chmod(0o755)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    lock = ["-o", "DPkg::Lock::Timeout=120"]
    try:
        subprocess.run(["debconf-set-selections"], check=True, text=True, env=env,
                       input="postfix postfix/main_mailer_type select No configuration\n")
        subprocess.run(["apt-get", *lock, "update", "-q"], check=True, env=env, stdout=sys.stderr)
        subprocess.run(["apt-get", *lock, "install", "-q", "-y", "--no-install-recommends", *PACKAGES], check=True,
                       env=env, stdout=sys.stderr)
    finally:
        if ours:
            POLICY.unlink()


def files(path):
    """How many there are, in subdirectories too."""
    return sum(len(names) for _, _, names in os.walk(path))


def program(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().rsplit("/", 1)[-1]
    except OSError:
        return ""


POSTFIX_MAIN = """
compatibility_level = 3.6
myhostname = mail.example.test
mydomain = example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
queue_directory = {dir}/spool
data_directory = {dir}/data
daemon_directory = {daemons}
maillog_file = {dir}/maillog
maillog_file_prefixes = {dir}
alias_maps =
alias_database =
virtual_mailbox_domains = example.test
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:anna/Maildir/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 100
virtual_mailbox_limit = 0
in_flow_delay = 0
default_process_limit = {processes}
default_destination_concurrency_limit = 50
virtual_destination_concurrency_limit = 50
qmgr_message_active_limit = 40000
qmgr_message_recipient_limit = 40000
message_size_limit = 52428800
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
"""

POSTFIX_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One instance in a directory."""

    name = "Postfix"

    def __init__(self, directory, port, group):
        self.dir = pathlib.Path(directory)
        self.config = self.dir / "etc"
        self.port = port
        self.group = group
        self.main = []
        self.new = self.dir / "mail" / "anna" / "Maildir" / "new"
        self.spool = self.dir / "spool"

    def set(self, line):
        self.main.append(line)

    def start(self):
        vmail, postfix = pwd.getpwnam("vmail"), pwd.getpwnam("postfix")
        for path in (self.dir, self.config, self.dir / "spool", self.dir / "data", self.dir / "mail"):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o755)
        os.chown(self.dir / "data", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.dir / "mail", vmail.pw_uid, vmail.pw_gid)
        text = POSTFIX_MAIN.format(dir=self.dir, daemons=DAEMONS, uid=vmail.pw_uid, gid=vmail.pw_gid,
                                   processes=PROCESSES)
        (self.config / "main.cf").write_text(text + "\n".join(self.main) + "\n", encoding="ascii")
        (self.config / "master.cf").write_text(POSTFIX_MASTER.format(port=self.port), encoding="ascii")
        with self.group.entered():
            self.command("start")

    def command(self, *words):
        subprocess.run(["postfix", "-c", str(self.config), *words], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def queued(self):
        """Files of messages in the queue."""
        return sum(files(self.spool / name) for name in ("maildrop", "incoming", "active", "deferred"))

    def settled(self, count):
        """Has all that there is been tried, and put off?"""
        return files(self.spool / "deferred") >= count and files(self.spool / "active") == 0

    def mailq(self):
        return [str(self.private("postqueue")), "-c", str(self.config), "-p"]

    def flush(self):
        subprocess.run([self.private("postqueue"), "-c", self.config, "-f"], check=True)

    def private(self, tool):
        """A copy without the set-gid bit, which trusts no configuration but the system's."""
        copy = self.dir / tool
        if not copy.exists():
            shutil.copy(f"/usr/sbin/{tool}", copy)
            copy.chmod(0o755)
        return copy

    def pids(self, kind):
        """Processes of that program."""
        return [pid for pid in self.group.pids() if program(pid) == kind]

    def stop(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.command("stop")
