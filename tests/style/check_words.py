"""What is written in the files: no unfinished work, no machine's paths, blanks and tabs in order, scripts that parse."""

import os
import re
import subprocess

from tree import Finding, is_daemon

RULES = ("words", "paths", "blanks", "tabs", "scripts", "folder-papers")

# Spelled so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|\b([Ff]or no[w]|[Pp]laceholde[r])\b|\b(mileston[e]|ChatGP[T]|Claud[e])\b")
PATHS = re.compile(r"(?<![\w.}$)])/(wor[k]|roo[t]|User[s])/\S*|(?<![\w.}$)])/hom[e]/\S*")
# Accounts that examples and tests are about: their homes are no machine's.
PEOPLE = re.compile(r"/hom[e]/(alice|bob|carol|dave|joe|jane|user|account|[%$<{])")

TEXT = (".c", ".h", ".def", ".am", ".ac", ".py", ".sh", ".md", ".cf", ".S", ".yml")
NAMES = ("README", "DEPS", "packages")


def is_text(tree, path):
    return path.endswith(TEXT) or os.path.basename(path) in NAMES or re.match(r"man/.*\.[1-9]$", path) \
        or tree.first_line(path).startswith("#!")


def check(tree):
    for path in tree.files:
        if is_text(tree, path):
            text = tree.text(path)
            for at, line in enumerate(text.split("\n"), 1):
                yield from check_line(path, at, line)
            if text and not text.endswith("\n"):
                yield Finding("blanks", path, text.count("\n") + 1, "no newline at the end", "add one")
            yield from check_script(tree, path)
    yield from check_papers(tree)


def check_line(path, at, line):
    word = UNFINISHED.search(line)
    if word:
        yield Finding("words", path, at, f'"{word.group(0)}"', "finish it, or say what is so without that word")
    place = PATHS.search(line)
    if place and not PEOPLE.match(place.group(0)):
        yield Finding("paths", path, at, place.group(0), "no path of a machine belongs into the tree")
    if line != line.rstrip():
        yield Finding("blanks", path, at, "blanks (or CR) at the end of the line", "remove them")
    if path.endswith((".c", ".h", ".am")) and re.match(r"\t* {8}| +\t", line) and not line.endswith("\\"):
        yield Finding("tabs", path, at, "indented with blanks", "indent with tabs of 8")
    if path.endswith(".py") and re.match(r" *\t", line):
        yield Finding("tabs", path, at, "indented with a tab", "Python is indented with 4 blanks")


def check_script(tree, path):
    first = tree.first_line(path)
    shell = re.match(r"#!\s*/(?:usr/)?bin/(?:env )?(sh|bash|dash)\b", first)
    if shell:
        result = subprocess.run([shell.group(1), "-n", path], cwd=tree.root, capture_output=True, text=True,
                                check=False)
        if result.returncode != 0:
            line = re.search(r"(?:line |: )(\d+):", result.stderr)
            yield Finding("scripts", path, int(line.group(1)) if line else 1,
                          result.stderr.strip().split("\n")[0], f"{shell.group(1)} -n must accept it")
    elif path.endswith(".py") or re.match(r"#!.*\bpython3?\b", first):
        try:
            compile(tree.text(path), path, "exec")
        except SyntaxError as e:
            yield Finding("scripts", path, e.lineno or 1, e.msg, "Python must accept it")


def check_papers(tree):
    """Each folder with C of lib/ and of the daemons says what it is, and lib/ what it stands on."""
    folders = {os.path.dirname(p) for p in tree.files if p.endswith((".c", ".h"))}
    for folder in sorted(folders):
        in_lib = folder.startswith("lib/")
        wanted = ["README"] * (in_lib or is_daemon(folder)) + ["DEPS"] * (in_lib and folder.count("/") == 1)
        for paper in wanted:
            if not tree.has(f"{folder}/{paper}"):
                yield Finding("folder-papers", f"{folder}/{paper}", 1, f"no {paper}",
                              "write it: about 20 lines on role, peers, rights, files" if paper == "README"
                              else "list the folders of lib/ that it may include")
