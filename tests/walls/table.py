"""The tables of the source tree as data: processes.def and the profiles of lib/sandbox, read as text."""

import dataclasses
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass
class Kind:
    """A row of processes.def."""

    name: str
    program: str
    profile: str
    user: str
    count: str
    needs: set


@dataclasses.dataclass
class Profile:
    """A row of profiles.c."""

    name: str
    root: str
    groups: set
    slots: dict
    limits: list


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def kinds():
    text = strip_comments((TOP / "lib/service/processes.def").read_text(encoding="utf-8"))
    found = {}
    for m in re.finditer(r"PROCESS\((\w+),\s*\"(\w+)\",\s*\"(\w+)\",\s*\"([\w-]*)\",\s*(\w+),\s*\d+,\s*([^)]*)\)", text):
        name, program, profile, user, count, needs = m.groups()
        found[name] = Kind(name, program, profile, user, count, set(re.findall(r"BIRTH_(\w+)", needs)))
    return found


def expand(text, macros):
    for _ in range(3):
        text = re.sub(r"\b(" + "|".join(macros) + r")\b", lambda m: f"({macros[m.group(1)]})", text)
    return text


def limit(text):
    """A number of an expression of MIB, GIB and products; None: kept as it is."""
    if "KEEP" in text:
        return None
    value = 1
    for factor in text.split("*"):
        factor = factor.strip()
        value *= {"MIB": 1 << 20, "GIB": 1 << 30}.get(factor) or int(factor)
    return value if text.strip() != "0" else 0


def profiles():
    text = strip_comments((TOP / "lib/sandbox/profiles.c").read_text(encoding="utf-8"))
    macros = {name: body.replace("\\\n", " ")
              for name, body in re.findall(r"#define (SLOT_ALL|FILES_ALL)((?:[^\n]*\\\n)*[^\n]*)", text)}
    table = re.search(r"profiles\[\] = \{(.*?)\n\};", text, re.S).group(1)
    found = {}
    row = r'\{\s*"(\w+)",\s*SANDBOX_ROOT_(\w+),(.*?),\s*\{\s*(\{.*?\})\s*\},\s*\{([^{}]*)\}\s*\}'
    for m in re.finditer(row, expand(table, macros), re.S):
        name, root, groups, slots, limits = m.groups()
        found[name] = Profile(name, root, set(re.findall(r"SANDBOX_(\w+)", groups)),
                              {s: set(re.findall(r"SANDBOX_RIGHT_(\w+)", r))
                               for s, r in re.findall(r'\{\s*"(\w+)",([^{}]*)\}', slots)},
                              [limit(x) for x in limits.split(",")])
    return found
