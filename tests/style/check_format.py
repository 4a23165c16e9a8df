"""C is laid out as .clang-format says. Other versions of clang-format lay out differently, so only one counts."""

import collections
import re
import shutil
import subprocess

from tree import Finding, Note

RULES = ("format",)

VERSION = 14


def find_program():
    """clang-format of the right version: (its name, or None; what to say)."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False).stdout
            version = re.search(r"version (\d+)", said)
            if version and int(version.group(1)) == VERSION:
                return name, ""
            return None, f"format: not checked, clang-format is not version {VERSION}: {said.strip()}"
    return None, ""


def check(tree):
    program, said = find_program()
    files = [p for p in tree.files if p.endswith((".c", ".h"))]
    if program is None:
        yield Note(said) if said else Finding("format", ".clang-format", 1, "no clang-format",
                                              f"install clang-format-{VERSION}")
        return
    if not tree.has(".clang-format") or not files:
        return
    result = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *files], cwd=tree.root,
                            capture_output=True, text=True, check=False)
    places = collections.defaultdict(list)
    for m in re.finditer(r"^([^\s:]+):(\d+):\d+: error", result.stderr, re.M):
        places[m.group(1)].append(int(m.group(2)))
    for path, lines in places.items():
        yield Finding("format", path, min(lines), f"{len(lines)} places are laid out differently",
                      f"run clang-format -i {path}")
    if result.returncode != 0 and not places:
        yield Finding("format", ".clang-format", 1, result.stderr.strip().split("\n")[0], "correct it")
