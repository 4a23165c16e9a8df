"""How a file is built: its opening words, where goto may go, no recursion, no macro that leaves a function."""

import re

from source import TOKENS
from tree import Finding

RULES = ("opening-comment", "goto", "recursion", "macro-jumps")

OPENING_LINES = 3

# A macro that makes a whole static function of a table's row leaves that one, not its user.
GENERATOR = re.compile(r"\bstatic\b[^;{}]*\([^;{}]*\)\s*\{")


def check(tree):
    for source in tree.sources(".c"):
        yield from check_opening(source)
    for source in tree.sources(".c", ".h"):
        for f in source.functions:
            yield from check_goto(source, f)
        yield from check_recursion(source)
        for line, text in source.directives():
            word = re.match(r"#\s*define\b.*?\b(return|goto)\b", text, re.S)
            if word and not GENERATOR.search(text[:word.start(1)]):
                yield Finding("macro-jumps", source.path, line, f"a macro with {word.group(1)}",
                              "make it a function, or write the jump where it happens")


def check_opening(source):
    first = TOKENS.match(source.text)
    lines = first.group(0).count("\n") + 1 if first and source.text.startswith("/*") else 0
    if lines < OPENING_LINES:
        yield Finding("opening-comment", source.path, 1, f"it opens with {lines} lines of comment",
                      f"say in {OPENING_LINES} to 12 what it is, who calls it, what it owns, its limits")


def check_goto(source, function):
    for m in re.finditer(r"\bgoto\s+(\w+)", function.body):
        label, line = m.group(1), function.line_at(m.start())
        if not re.search(rf"^\s*{label}:", function.body[m.end():], re.M):
            yield Finding("goto", source.path, line, f"goto {label} goes backwards", "write a loop")
        elif label != "out":
            yield Finding("goto", source.path, line, f"goto {label}", "the one label is out:, at the end")


def check_recursion(source):
    """A function that calls itself, directly or through others of its file."""
    own = {f.name: f for f in source.functions}
    graph = {f.name: {name for name, _ in f.calls() if name in own} for f in source.functions}
    told = set()
    for name, function in own.items():
        circle = reach(graph, name)
        if name in circle and name not in told:
            told |= {n for n in circle if name in reach(graph, n)}
            by = "" if name in graph[name] else " through " + ", ".join(sorted(told & circle - {name}))
            yield Finding("recursion", source.path, function.line, f"{name} calls itself{by}",
                          "keep a stack of your own with a limit on its depth")


def reach(graph, start):
    seen, todo = set(), list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph[name]
    return seen
