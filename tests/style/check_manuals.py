"""What a postmaster can name has a manual: each program a page, each parameter an entry; and the pages are clean."""

import os
import re
import shutil
import subprocess

from tree import Finding

RULES = ("manual-parameters", "manual-programs", "manual-lint", "manual-installed")

PARAMETERS = "lib/conf/params.def"
PARAMETER_PAGE = "man/main.cf.5"
PROGRAMS = re.compile(r"^\s*(?:sbin|bin|daemon|libexec)_PROGRAMS\s*\+?=((?:[^\n]*\\\n)*[^\n]*)", re.M)
PAGE = re.compile(r"man/[^/]+\.[1-9]$")


def check(tree):
    yield from check_parameters(tree)
    pages = [p for p in tree.files if PAGE.match(p)]
    named = {re.sub(r"\.[1-9]$", "", os.path.basename(p)) for p in pages}
    builds = [p for p in tree.files if p.endswith(".am")]
    for build in builds:
        text = tree.text(build)
        for m in PROGRAMS.finditer(text):
            line = text.count("\n", 0, m.start(1)) + 1
            for program in re.findall(r"[\w./-]+", re.sub(r"\$\([^)]*\)", "", m.group(1))):
                name = os.path.basename(program)
                if name not in named:
                    yield Finding("manual-programs", build, line, f"{name} has no manual",
                                  f"write man/{name}.8 (a user's command: .1)")
    installed = " ".join(tree.text(b) for b in builds)
    for page in pages:
        if page not in installed:
            yield Finding("manual-installed", page, 1, "nobody installs it", "add it to dist_man_MANS in man/module.am")
    yield from check_pages(tree, pages)


def check_parameters(tree):
    if not tree.has(PARAMETERS):
        return
    if not tree.has(PARAMETER_PAGE):
        yield Finding("manual-parameters", PARAMETERS, 1, f"no {PARAMETER_PAGE}", "describe each parameter there")
        return
    source = tree.source(PARAMETERS)
    entries = re.findall(r"^\.It Cm (.*)", tree.text(PARAMETER_PAGE), re.M)
    told = {word for words in entries for word in words.split()}
    for m in re.finditer(r'^\s*P\w*\(\s*"?([\w.-]+)', source.no_comments, re.M):
        if m.group(1) not in told:
            yield Finding("manual-parameters", PARAMETERS, source.line_at(m.start(1)),
                          f"{m.group(1)} is not in {PARAMETER_PAGE}", f"describe it under `.It Cm {m.group(1)}`")


def check_pages(tree, pages):
    if not pages:
        return
    if not shutil.which("mandoc"):
        yield Finding("manual-lint", pages[0], 1, "no mandoc", "install mandoc")
        return
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], cwd=tree.root,
                            capture_output=True, text=True, check=False)
    for m in re.finditer(r"^mandoc: ([^\s:]+):(\d+):\d+: (.*)", result.stdout + result.stderr, re.M):
        yield Finding("manual-lint", m.group(1), int(m.group(2)), m.group(3), "see mandoc(1), DIAGNOSTICS")
    if result.returncode != 0 and "mandoc: " not in result.stdout + result.stderr:
        yield Finding("manual-lint", pages[0], 1, f"mandoc ended with {result.returncode}", "run it by hand")
