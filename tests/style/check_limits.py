"""Every limit has its name in lib/base/limits.h, and nowhere else."""

import re

from tree import LIMITS, Finding, Note

RULES = ("limits",)


def check(tree):
    if not tree.has(LIMITS):
        return
    defined = set(re.findall(r"^#\s*define\s+(LIMIT_\w+)", tree.source(LIMITS).code, re.M))
    used = set()
    for source in tree.sources(".c", ".h", ".def"):
        for m in re.finditer(r"(#\s*define\s+)?\b(LIMIT_\w+)\b", source.code):
            line, name = source.line_at(m.start(2)), m.group(2)
            if m.group(1) and source.path != LIMITS:
                yield Finding("limits", source.path, line, f"{name} is defined here", f"move it to {LIMITS}")
            elif name not in defined:
                yield Finding("limits", source.path, line, f"{name} is no limit of {LIMITS}",
                              "define it there, with unit and reason")
            elif not m.group(1):
                used.add(name)
    if defined - used:
        yield Note("limits: nothing uses " + ", ".join(sorted(defined - used)))
