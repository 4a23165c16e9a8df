"""The peer for readers: Debian's Dovecot in a private directory, in high-performance mode (login processes that stay)."""

import os
import pathlib
import pwd
import subprocess
import time

from case_relay import listens

CONF = """
protocols = imap pop3
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/state
instance_name = postern-bench-{imap}
log_path = {dir}/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
first_valid_uid = 100
default_client_limit = 10000
default_process_limit = 8000
mail_max_userip_connections = 10000
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/passwd
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {dir}/passwd
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  client_limit = 30000
}}
service auth {{
  client_limit = 30000
}}
"""


class Dovecot:
    name = "Dovecot"

    def __init__(self, directory, ports, group):
        self.dir = pathlib.Path(directory)
        self.ports = ports
        self.group = group
        self.users = []

    def home(self, user):
        return self.dir / "mail" / user

    def start(self):
        vmail = pwd.getpwnam("vmail")
        for path in (self.dir, self.dir / "mail"):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o755)
        rows = []
        for user in self.users:
            self.home(user).mkdir(exist_ok=True)
            os.chown(self.home(user), vmail.pw_uid, vmail.pw_gid)
            rows.append(f"{user}:{{PLAIN}}secret:{vmail.pw_uid}:{vmail.pw_gid}::{self.home(user)}::\n")
        (self.dir / "passwd").write_text("".join(rows), encoding="ascii")
        (self.dir / "dovecot.conf").write_text(
            CONF.format(dir=self.dir, imap=self.ports["imap"], pop3=self.ports["pop3"]), encoding="ascii")
        with self.group.entered():
            subprocess.run(["dovecot", "-c", self.dir / "dovecot.conf"], check=True)
        until = time.monotonic() + 20
        while not listens(self.ports["imap"]) and time.monotonic() < until:
            time.sleep(0.05)

    def stop(self):
        subprocess.run(["doveadm", "-c", self.dir / "dovecot.conf", "stop"], check=False)
