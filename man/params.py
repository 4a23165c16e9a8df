#!/usr/bin/env python3
"""Makes main.cf.5 from main.cf.5.in and lib/conf/params.def, so that the manual cannot disagree with the program.

params.py TOP          writes TOP/man/main.cf.5
params.py TOP --check  fails when that file is not what would be written
"""

import re
import sys
import textwrap

PATHS = {
    "POSTERN_CONFIG_DIR": "/etc/postern",
    "POSTERN_QUEUE_DIR": "/var/spool/postern",
    "POSTERN_DATA_DIR": "/var/lib/postern",
    "POSTERN_DAEMON_DIR": "/usr/libexec/postern",
    "POSTERN_COMMAND_DIR": "/usr/sbin",
}
TYPES = {"TEXT": "text", "RAW": "text, expanded when it is used", "NUMBER": "number", "SIZE": "bytes",
         "TIME": "time", "BOOL": "yes or no", "CHOICE": "choice", "LIST": "list", "PATH": "path"}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
EFFECTS = {"LIVE": "at reload", "PROCESS": "in processes that start after a reload", "RESTART": "after a restart"}
NO_LIMIT = ("MANY", "BYTES")

TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([\w./]+)|([(),]))')


def rows(text):
    """(macro, arguments) of each row; an argument is text, strings that stand side by side being one."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    at = 0
    while True:
        start = re.compile(r"\s*(\w+)\(").match(text, at)
        if not start:
            if text[at:].strip():
                sys.exit(f"params.def: cannot read {text[at:at + 60]!r}")
            return
        at, args = start.end(), [""]
        while True:
            m = TOKEN.match(text, at)
            if not m:
                sys.exit(f"params.def: cannot read {text[at:at + 60]!r}")
            at = m.end()
            if m.group(3) == ")":
                break
            if m.group(3) == ",":
                args.append("")
            elif m.group(1):
                args[-1] += m.group(1)[1:-1].replace('\\"', '"').replace("\\\\", "\\")
            else:
                args[-1] += PATHS.get(m.group(2), m.group(2))
        yield start.group(1), args


def choices(text):
    sets = {}
    for m in re.finditer(r"#define CONF_CHOICE_(\w+)\(C\)((?:[^\n]*\\\n)*[^\n]*)", text):
        sets[m.group(1)] = re.findall(r'C\(\w+, "([^"]*)"\)', m.group(2))
    return sets


def roff(text):
    """TEXT as lines of their own."""
    lines = textwrap.wrap(text.replace("\\", "\\e"), 78, break_long_words=False, break_on_hyphens=False)
    return ["\\&" + line if line[0] in ".'" else line for line in lines]


def quoted(text):
    """TEXT as one argument of a macro."""
    return '"' + text.replace("\\", "\\e").replace('"', '""') + '"'


def facts(kind, low, high, unit, effect, sets):
    """The line on type, range and effect."""
    said = TYPES[kind]
    if kind == "CHOICE":
        said = ", ".join(sets[unit])
    elif kind == "TIME":
        said = f"time in {UNITS[unit]}, {low} to {high} seconds"
    elif kind in ("NUMBER", "SIZE"):
        said += f", {low} to {high}" if high not in NO_LIMIT else f", {low} or more" if low != "0" else ""
    return f"({said}; seen {EFFECTS[effect]})"


def entry(args, sets, version):
    name, kind, preset, low, high, unit, effect, doc = args
    lines = [f".It Cm {name}"]
    if preset == "PACKAGE_VERSION":
        preset = version
    if preset:
        lines.append(f".Pq default: Ql {quoted(preset)}")
        lines.append(".br")
    return lines + roff(doc) + roff(facts(kind, low, high, unit, effect, sets))


def page(top):
    with open(f"{top}/lib/conf/params.def", encoding="utf-8") as f:
        params = f.read()
    with open(f"{top}/lib/conf/choices.def", encoding="utf-8") as f:
        sets = choices(f.read())
    with open(f"{top}/man/main.cf.5.in", encoding="utf-8") as f:
        frame = f.read()
    with open(f"{top}/configure.ac", encoding="utf-8") as f:
        version = re.search(r"AC_INIT\(\[postern\], \[([\d.]+)\]", f.read()).group(1)
    out = []
    for macro, args in rows(params):
        if macro == "G":
            if out:
                out.append(".El")
            out += [f".Ss {args[0]}"]
            if "transport" in args[0]:
                out += ["Before each of these stands the name of a transport and an underscore, as in",
                        ".Ql smtp_destination_recipient_limit ."]
            out += [".Bl -tag -width Ds"]
        else:
            out += entry(args, sets, version)
    return frame.replace("@PARAMETERS@\n", "\n".join(out + [".El", ""]))


def main():
    top = sys.argv[1]
    path = f"{top}/man/main.cf.5"
    made = page(top)
    if sys.argv[2:] == ["--check"]:
        with open(path, encoding="utf-8") as f:
            if f.read() != made:
                sys.exit(f"{path} is not what lib/conf/params.def says: run man/params.py {top}")
        return
    with open(path, "w", encoding="utf-8") as f:
        f.write(made)


if __name__ == "__main__":
    main()
