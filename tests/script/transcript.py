"""Runs one transcript: its statements outside of clients' and servers' blocks, its cases, and what a failure prints."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from dnsd import Dns
from language import (Failure, Skip, dedent, expand, number, parse, parse_file, search, seconds, words)
from peers import Client, Server
from submission import submission
from suite import Suite, SuiteError, free_port, temporary, wait_for
from wire import make_chain

LIMIT = 10.0  # seconds that anything may take unless the transcript says otherwise
TRACE_LINES = 80  # shown of what happened before a failure
CLONE_NEWNS = 0x20000
LOG_LINES = 60  # shown of a suite's log


class Trace:
    """What happened, and when."""

    def __init__(self):
        self.began = time.monotonic()
        self.lines = []
        self.lock = threading.Lock()

    def add(self, who, text):
        with self.lock:
            for line in str(text).split("\n"):
                self.lines.append(f"{time.monotonic() - self.began:7.3f} {who} {line}")


class Transcript:
    """One file. run() yields (case, failure or None, lines to show) for each of its cases."""

    def __init__(self, path, prefix):
        self.path = pathlib.Path(path)
        self.prefix = pathlib.Path(prefix)
        self.tmp = temporary()
        self.trace = Trace()
        self.variables = {}
        self.suites = {}
        self.clients = {}
        self.servers = {}
        self.dns = {}
        self.barriers = {}
        self.messages = {}
        self.commands = {}
        self.marks = {}
        self.limit = LIMIT
        self.output = ""
        self.lasting = set()  # names of servers that were made before the first case
        self.in_case = False

    # Names

    def variable(self, name):
        if name in self.variables:
            return self.variables[name]
        first, _, rest = name.partition(".")
        if first in self.suites:
            return self.suite_variable(self.suites[first], rest)
        for table in (self.servers, self.dns):
            if first in table:
                peer = table[first]
                return {"": f"{peer.address}:{peer.port}", "port": peer.port, "address": peer.address}.get(rest)
        return {"tmp": self.tmp, "sbin": self.prefix / "sbin", "tests": self.path.parent,
                "uid": os.geteuid()}.get(name)

    def suite_variable(self, suite, rest):
        kind, _, more = rest.partition(".")
        if kind == "port":
            return suite.ports.get(more)
        if kind == "home":
            return suite.home(more)
        if rest in suite.ports:
            return f"{suite.address}:{suite.ports[rest]}"
        if kind == "pids":
            return " ".join(map(str, suite.pids(more)))
        return {"dir": suite.dir, "config": suite.config, "spool": suite.spool, "mail": suite.mail,
                "log": suite.log_path, "pid": suite.process.pid if suite.process else None, "address": suite.address,
                "master": " ".join(suite.command())}.get(rest)

    def address(self, text, where=None):
        """A:smtp, a server's name, a path or host:port."""
        first, _, rest = text.partition(":")
        if first in self.suites:
            suite = self.suites[first]
            if rest in suite.ports:
                return f"{suite.address}:{suite.ports[rest]}"
            return str(suite.spool / "public" / rest)
        if text in self.servers:
            return f"{self.servers[text].address}:{self.servers[text].port}"
        if ":" not in text and not text.startswith("/"):
            raise Failure(f"no suite, no server, no address: {text}", where)
        return text

    def suite(self, name, where):
        if name not in self.suites:
            raise Failure(f"no suite {name}", where)
        return self.suites[name]

    def text(self, s, raw):
        return expand(raw, self.variable, s.where)

    def words(self, s):
        return words(self.text(s, s.text), s.where)

    # What peers bring

    def chain(self):
        return make_chain(self.tmp)

    def add_message(self, server, text):
        self.messages.setdefault(server, []).append(text)

    def add_command(self, server, line):
        self.commands.setdefault(server, []).append(line)

    def sync(self, name, limit, where):
        if name not in self.barriers:
            raise Failure(f"no barrier {name}", where)
        try:
            self.barriers[name].wait(limit)
        except threading.BrokenBarrierError:
            raise Failure(f"barrier {name}: the others did not come within {limit:g} s", where) from None

    # Running

    def run(self):
        """Yields (case or None, Failure, Skip or None, what happened)."""
        statements = parse_file(self.path)
        cases = [i for i, s in enumerate(statements) if s.verb == "case"] + [len(statements)]
        try:
            failure = self.attempt(statements[:cases[0]])
            if failure or len(cases) == 1:
                yield None, failure or self.finish(), self.story()
                return
            self.lasting = set(self.servers) | set(self.dns)
            for start, end in zip(cases, cases[1:]):
                name, *why = words(statements[start].text)[1:]
                if why:
                    yield name, Skip(" ".join(why[1:])), []
                    continue
                self.begin(statements[start])
                failure = self.attempt(statements[start + 1:end])
                finished = self.finish()
                yield name, failure or finished, self.story()
        finally:
            self.tear_down()

    def begin(self, s):
        self.trace = Trace()
        self.trace.add("--", s.text)
        self.limit = LIMIT
        self.in_case = True
        for name in self.suites:
            self.mark(name)

    def mark(self, name):
        suite = self.suites[name]
        self.marks[name] = (len(suite.log_text()), len(suite.out_text()))

    def attempt(self, statements):
        """Runs statements; the Failure or Skip that ended them."""
        try:
            self.execute(statements)
        except (Failure, Skip) as e:
            return e
        except (SuiteError, OSError, subprocess.SubprocessError) as e:
            return Failure(str(e), self.where)
        return None

    where = None

    def execute(self, statements):
        for s in statements:
            self.where = s.where
            act = VERBS.get(s.verb)
            if not act:
                raise Failure(f"no statement {s.verb}", s.where)
            if s.verb not in ("client", "server", "var", "include", "repeat"):
                self.trace.add("--", s.text)
            try:
                act(self, s)
            except Failure as f:
                raise Failure(str(f), f.where or s.where) from None
            except SuiteError as e:
                raise Failure(str(e), s.where) from None

    def finish(self):
        """The end of a case: peers are through, suites have nothing to complain of."""
        failures = []
        for peer in [*self.clients.values(), *self.servers.values()]:
            if peer.name in self.lasting:
                continue
            try:
                if isinstance(peer, Server):
                    peer.finish(self.limit)
                else:
                    peer.wait(self.limit)
            except Failure as f:
                failures.append(f)
            peer.close()
        for name, server in self.dns.items():
            if name not in self.lasting:
                server.stop()
        self.clients = {}
        self.servers = {k: v for k, v in self.servers.items() if k in self.lasting}
        self.dns = {k: v for k, v in self.dns.items() if k in self.lasting}
        for name, suite in self.suites.items():
            log_from, out_from = self.marks.get(name, (0, 0))
            trouble = suite.trouble(log_from, out_from)
            if trouble:
                failures.append(Failure(f"suite {name} says:\n" + "\n".join(trouble[:5])))
        return failures[0] if failures else None

    def story(self):
        """The trace and the logs, for whoever has to find out."""
        lines = self.trace.lines[-TRACE_LINES:]
        for name, suite in self.suites.items():
            log_from, out_from = self.marks.get(name, (0, 0))
            log = suite.log_text()[log_from:].rstrip("\n").split("\n")[-LOG_LINES:]
            out = suite.out_text()[out_from:].rstrip("\n").split("\n")[-LOG_LINES:]
            lines += [f"-- log of {name}:", *log]
            lines += [f"-- standard output of {name}:", *out] if any(out) else []
        return lines

    def tear_down(self):
        for peer in [*self.clients.values(), *self.servers.values()]:
            peer.close()
        for server in self.dns.values():
            server.stop()
        for suite in self.suites.values():
            suite.kill_all()
        shutil.rmtree(self.tmp, ignore_errors=True)


# Statements: each gets the transcript and the statement.

def do_suite(t, s):
    """suite NAME [-address A] [-stopped] [{ main { } master { } listen NAME COMMAND  account NAME  tls  dns NAME  env X=Y }]"""
    w = t.words(s)
    suite = Suite(w[1], t.prefix, t.tmp, w[w.index("-address") + 1] if "-address" in w else "127.0.0.1")
    t.suites[w[1]] = suite
    configure(t, suite, s)
    if "-stopped" not in w:
        suite.start(t.limit)
    t.marks[w[1]] = (0, 0)


def do_configure(t, s):
    """configure NAME { ... }: changes the files of a suite, as in `suite`; nobody is told."""
    configure(t, t.suite(t.words(s)[1], s.where), s)


def configure(t, suite, s):
    for line in parse(s.block or [], s.path):
        w = words(line.text, line.where)
        if line.verb == "main":
            for text in dedent(line.block):
                suite.set_main(expand(text, lambda n: t.variable(n) if "." in n or n in t.variables else f"${{{n}}}"))
        elif line.verb == "master":
            suite.master += [t.text(line, text) for text in dedent(line.block) if text]
        elif line.verb == "listen":
            suite.listen(w[1], t.text(line, line.rest(2)))
        elif line.verb == "account":
            suite.accounts += w[1:]
        elif line.verb == "tls":
            suite.set_main(f"smtpd_tls_chain_files = {t.chain()}\nsmtpd_tls_security_level = may")
        elif line.verb == "dns":
            suite.set_main(f"dns_servers = {t.variable(w[1])}\ndns_trust_anchor_file =")  # its zones are not signed
        elif line.verb == "env":
            suite.env.update(dict(item.split("=", 1) for item in w[1:]))
        else:
            raise Failure(f"no line {line.verb} in a suite", line.where)
    suite.write()


def do_start(t, s):
    t.suite(t.words(s)[1], s.where).start(t.limit)


def do_stop(t, s):
    status = t.suite(t.words(s)[1], s.where).stop(t.limit)
    if status != 0:
        raise Failure(f"master ended with {status}", s.where)


def do_restart(t, s):
    do_stop(t, s)
    do_start(t, s)


def do_reload(t, s):
    t.suite(t.words(s)[1], s.where).reload(t.limit)


def do_terminate(t, s):
    """terminate A: SIGTERM to master, without waiting; `gone A` waits."""
    t.suite(t.words(s)[1], s.where).process.send_signal(signal.SIGTERM)


def do_gone(t, s):
    """gone A [PID]: master has ended, and so have its processes."""
    suite = t.suite(t.words(s)[1], s.where)
    wait_for("end of master", t.limit, lambda: not suite.alive())


def do_kill(t, s):
    """kill -SIGNAL A.service: all its processes, and waits until they are gone. A.master is master."""
    w = t.words(s)
    signo = int(w[1].lstrip("-")) if w[1][1:].isdigit() else getattr(signal, "SIG" + w[1].lstrip("-"))
    name, _, kind = w[2].partition(".")
    suite = t.suite(name, s.where)
    if kind == "master":
        suite.process.send_signal(signo)
        wait_for("end of master", t.limit, lambda: not suite.alive())
    else:
        suite.kill(kind, signo, t.limit)


def do_respawned(t, s):
    """respawned A.service: it runs again, as another process."""
    name, _, kind = t.words(s)[1].partition(".")
    t.suite(name, s.where).respawned(kind, t.limit)


def do_client(t, s):
    """client NAME [-start] [ADDRESS] { ... }"""
    w = t.words(s)
    name, rest = w[1], [x for x in w[2:] if x != "-start"]
    if name not in t.clients:
        t.clients[name] = Client(t, name)
    client = t.clients[name]
    client.wait(t.limit)
    client.limit = t.limit
    lines = list(s.block or [])
    if rest:
        lines.insert(0, (s.line, f"connect {' '.join(rest)}"))
    if "-start" in w:
        client.start(lambda: client.run(lines, s.path))
    else:
        client.run(lines, s.path)


def do_server(t, s):
    """server NAME [-address A] [-port P] [-loop] { ... }"""
    w = t.words(s)
    option = {key: w[w.index(key) + 1] for key in ("-address", "-port") if key in w}
    server = Server(t, w[1], option.get("-address", "127.0.0.1"), int(option.get("-port", "0")))
    t.servers[w[1]] = server
    run = server.run_loop if "-loop" in w else server.run_once
    run(s.block or [], s.path)


def do_dns(t, s):
    """dns NAME { NAME TYPE DATA ... }"""
    rows = [t.text(s, line).strip() for line in dedent(s.block or [])]
    t.dns[t.words(s)[1]] = Dns([row for row in rows if row and not row.startswith("#")])


def do_asked(t, s):
    """asked DNS NAME TYPE [udp|tcp]: the server has been, or is soon, asked this."""
    from dnsd import TYPES
    w = t.words(s)
    server = t.dns[w[1]]
    wanted = (w[2].rstrip(".").lower() + ".", TYPES[w[3]])
    wait_for(f"question {w[2]} {w[3]}", t.limit,
             lambda: any(q[:2] == wanted and (len(w) < 5 or q[2] == w[4]) for q in list(server.questions)))


def do_wait(t, s):
    for name in t.words(s)[1:]:
        peer = t.clients.get(name) or t.servers.get(name)
        if not peer:
            raise Failure(f"no client or server {name}", s.where)
        peer.wait(t.limit)


def do_barrier(t, s):
    """barrier NAME COUNT"""
    w = t.words(s)
    t.barriers[w[1]] = threading.Barrier(number(w[2], s.where))


def do_sync(t, s):
    t.sync(t.words(s)[1], t.limit, s.where)


def do_log(t, s):
    """log A REGEX: since the case began (or `mark A`) the log has such a line, or gets it in time."""
    suite = t.suite(words(s.text)[1], s.where)
    pattern = t.text(s, s.rest(2))
    log_from = t.marks.get(suite.name, (0, 0))[0]
    found = wait_for(f"log line: {pattern}", t.limit,
                     lambda: search(pattern, suite.log_text()[log_from:], s.where))
    if found.groups():
        t.variables["1"] = found.group(1)


def do_nolog(t, s):
    """nolog A REGEX: no such line up to now."""
    suite = t.suite(words(s.text)[1], s.where)
    found = search(t.text(s, s.rest(2)), suite.log_text()[t.marks.get(suite.name, (0, 0))[0]:], s.where)
    if found:
        raise Failure(f"the log says: {found.group(0)}", s.where)


def do_mark(t, s):
    t.mark(t.words(s)[1])


def do_maildir(t, s):
    """maildir A ACCOUNT count N | has REGEX | lacks REGEX"""
    w = words(t.text(s, " ".join(s.text.split(None, 4)[:4])), s.where)
    suite, what, arg = t.suite(w[1], s.where), w[3], t.text(s, s.rest(4))
    if what == "count":
        wanted = number(arg, s.where)
        wait_for(f"{wanted} messages for {w[2]}, not {len(suite.messages(w[2]))}", t.limit,
                 lambda: len(suite.messages(w[2])) == wanted)
        return

    def texts():
        return [p.read_text(encoding="utf-8", errors="surrogateescape") for p in suite.messages(w[2])]

    if what == "has":
        found = wait_for(f"a message for {w[2]} with {arg}", t.limit,
                         lambda: [m for m in (search(arg, text, s.where) for text in texts()) if m])
        if found[0].groups():
            t.variables["1"] = found[0].group(1)
    elif any(search(arg, text, s.where) for text in texts()):
        raise Failure(f"a message for {w[2]} has {arg}", s.where)


def do_queue(t, s):
    """queue A empty | count N | has REGEX (of a line of postqueue -j)"""
    w = t.words(s)
    suite = t.suite(w[1], s.where)
    if w[2] == "has":
        pattern = t.text(s, s.rest(3))
        wait_for(f"queue with {pattern}", t.limit,
                 lambda: any(search(pattern, str(m).replace("'", '"'), s.where) for m in suite.queue()))
        return
    wanted = 0 if w[2] == "empty" else number(w[3], s.where)
    try:
        wait_for(f"queue of {wanted}", t.limit, lambda: len(suite.queue()) == wanted)
    except SuiteError as e:
        raise Failure(f"{e}; it has: {suite.queue()[:5]}", s.where) from None


def do_messages(t, s):
    """messages SERVER count N | has REGEX | lacks REGEX: what a sink has got"""
    w = words(t.text(s, " ".join(s.text.split(None, 3)[:3])), s.where)
    arg = t.text(s, s.rest(3))
    texts = lambda: [m.decode("utf-8", "surrogateescape") for m in t.messages.get(w[1], [])]
    if w[2] == "count":
        wait_for(f"{arg} messages at {w[1]}", t.limit, lambda: len(texts()) == number(arg, s.where))
    elif w[2] == "has":
        wait_for(f"a message at {w[1]} with {arg}", t.limit, lambda: any(search(arg, m, s.where) for m in texts()))
    elif any(search(arg, m, s.where) for m in texts()):
        raise Failure(f"a message at {w[1]} has {arg}", s.where)


def do_commands(t, s):
    """commands SERVER REGEX: a sink has been told such a line"""
    name, pattern = words(s.text)[1], t.text(s, s.rest(2))
    wait_for(f"a command to {name}: {pattern}", t.limit,
             lambda: search(pattern, "\n".join(t.commands.get(name, [])), s.where))


def do_shell(t, s):
    """shell [-status N] COMMAND, or a block of them: run by sh -e; its output is for `output`."""
    text, status = s.rest(), 0
    if text.startswith("-status "):
        _, status, text = (text.split(None, 2) + [""])[:3]
    script = t.text(s, "\n".join(dedent(s.block)) if s.block else text)
    env = {**os.environ, "PATH": f"{t.prefix / 'sbin'}:{os.environ.get('PATH', '')}", "LC_ALL": "C"}
    done = subprocess.run(["sh", "-ec", script], cwd=t.tmp, env=env, capture_output=True, timeout=t.limit,
                          stdin=subprocess.DEVNULL, check=False)
    t.output = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
    t.trace.add("sh", t.output.rstrip("\n"))
    if done.returncode != int(status):
        raise Failure(f"status {done.returncode}, not {status}: {script}\n{t.output[-500:]}", s.where)


def do_submission(t, s):
    """submission FILE "HEAD LINES" "CONTENT": a file below ${tmp} as sendmail hands it to postdrop; heads may be forged"""
    w = [word.encode("utf-8", "surrogateescape") for word in t.words(s)]
    (t.tmp / os.fsdecode(w[1])).write_bytes(submission(w[2], w[3]))


def do_output(t, s):
    """output REGEX: the last shell printed it"""
    found = search(t.text(s, s.rest()), t.output, s.where)
    if not found:
        raise Failure(f"no {s.rest()} in the output:\n{t.output[-500:]}", s.where)
    if found.groups():
        t.variables["1"] = found.group(1)


def do_no_output(t, s):
    if search(t.text(s, s.rest()), t.output, s.where):
        raise Failure(f"the output has {s.rest()}:\n{t.output[-500:]}", s.where)


def do_var(t, s):
    """var NAME VALUE"""
    t.variables[words(s.text)[1]] = t.text(s, s.rest(2))


def do_port(t, s):
    """port NAME: a free port, at every loopback address"""
    t.variables[t.words(s)[1]] = free_port()


def do_include(t, s):
    path = t.path.parent / t.words(s)[1]
    t.execute(parse_file(path))


def do_repeat(t, s):
    """repeat N [NAME] { ... }: NAME counts from 1."""
    w = t.words(s)
    for i in range(number(w[1], s.where)):
        if len(w) > 2:
            t.variables[w[2]] = i + 1
        t.execute(parse(s.block, s.path))


def do_retry(t, s):
    """retry { ... }: again and again until it goes well, for what heals by itself at no certain moment."""
    until = time.monotonic() + t.limit
    while True:
        try:
            t.execute(parse(s.block, s.path))
            return
        except Failure:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def do_require(t, s):
    """require NAME...: daemons or tools of ours, host:COMMAND, root, mounts, without which a case is left out"""
    for name in t.words(s)[1:]:
        places = (t.prefix / "libexec" / "postern" / name, t.prefix / "sbin" / name)
        if name == "root":
            missing = os.geteuid() != 0
        elif name == "mounts":
            missing = os.geteuid() != 0 or not own_mounts()
        elif name.startswith("host:"):
            missing = not shutil.which(name[5:])
        else:
            missing = not any(p.exists() for p in places)
        if missing:
            raise Skip(f"needs {name}")


def own_mounts():
    """From here on what we mount is ours alone and goes when we go; False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    return subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode == 0


def do_disk(t, s):
    """disk PATH SIZE: a small file system of its own there; needs `require mounts` before it"""
    w = t.words(s)
    pathlib.Path(w[1]).mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={number(w[2], s.where)},mode=755", "tmpfs", w[1]], check=True,
                   capture_output=True)


def do_memory(t, s):
    """memory A.service N: no process of it holds more bytes"""
    w = t.words(s)
    name, _, kind = w[1].partition(".")
    used = t.suite(name, s.where).memory(kind)
    t.trace.add("--", f"{w[1]} holds {used >> 10} KiB")
    if used > number(w[2], s.where):
        raise Failure(f"{w[1]} holds {used} bytes", s.where)


def do_processes(t, s):
    """processes A.service N: as many run, or soon will"""
    w = t.words(s)
    name, _, kind = w[1].partition(".")
    suite = t.suite(name, s.where)
    wait_for(f"{w[2]} processes {w[1]}", t.limit, lambda: len(suite.pids(kind)) == number(w[2], s.where))


def do_deadline(t, s):
    t.limit = seconds(t.words(s)[1], s.where)


def do_trouble(t, s):
    """trouble A REGEX: this line, which no log should have, is wanted here"""
    do_log(t, s)
    suite = t.suite(words(s.text)[1], s.where)
    t.marks[suite.name] = (len(suite.log_text()), len(suite.out_text()))


VERBS = {name.removeprefix("do_"): function for name, function in list(globals().items()) if name.startswith("do_")}
VERBS["mode"] = lambda t, s: None  # which the runner reads
