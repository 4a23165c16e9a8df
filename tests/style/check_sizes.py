"""Nothing is too long: files, headers, functions, and how deep their blocks lie in each other."""

import re

from tree import LIMITS, Finding

RULES = ("file-size", "header-size", "pure-table", "function-size", "nesting")

FILE_LINES = 800
HEADER_LINES = 200
FUNCTION_LINES = 60
DEPTH = 4  # braces, the function's own counted

TEXT = (".c", ".h", ".py", ".sh")
BLOCK_WORDS = re.compile(r"\b(else|do)$")


def check(tree):
    for path in tree.files:
        lines = tree.text(path).count("\n") if path.endswith(TEXT) else 0
        if lines > FILE_LINES:
            yield Finding("file-size", path, lines, f"{lines} lines", f"split by subject: {FILE_LINES} at most")
        if path.endswith(".h") and path != LIMITS and lines > HEADER_LINES:
            yield Finding("header-size", path, lines, f"{lines} lines",
                          f"{HEADER_LINES} at most: split it, or put a pure table into a .def")
    for source in tree.sources(".def", LIMITS):
        yield from check_table(source)
    for source in tree.sources(".c", ".h"):
        for f in source.functions:
            if f.length > FUNCTION_LINES:
                yield Finding("function-size", source.path, f.line, f"{f.name} has {f.length} lines",
                              f"{FUNCTION_LINES} at most: give its steps names")
            depth, line = deepest(f)
            if depth > DEPTH:
                yield Finding("nesting", source.path, line, f"{f.name} nests {depth} braces",
                              f"{DEPTH} at most: return early, or make the inside a function")


def check_table(source):
    """What is free of the headers' limit holds rows and nothing else."""
    other = r"\bstruct\b|\benum\b|\btypedef\b|\binline\b|[{};]"
    bad = re.search(other, source.bare)
    if bad:
        yield Finding("pure-table", source.path, source.line_at(bad.start()),
                      f"`{bad.group(0)}` in a table", "rows only: declarations belong into a header")


def opens_block(before):
    """Does a brace after the text BEFORE open a block, not an initializer or a compound literal?"""
    before = before.rstrip()
    if not before or before[-1] in ";{}:" or BLOCK_WORDS.search(before):
        return True
    if before[-1] != ")":
        return False
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(before[at], 0)
        if depth == 0:
            word = re.search(r"(\w+)\s*$", before[:at])
            return word is not None and word.group(1) not in ("return", "sizeof")
    return False


def deepest(function):
    """(depth, line) of the deepest block; the function's own braces are depth 1."""
    stack, depth, worst, line = [], 1, 1, function.line
    for m in re.finditer(r"[{}]", function.body):
        if m.group(0) == "}":
            depth -= stack.pop() if stack else 0
            continue
        block = not (stack and stack[-1] == 0) and opens_block(function.body[:m.start()])
        stack.append(1 if block else 0)
        depth += stack[-1]
        if depth > worst:
            worst, line = depth, function.line_at(m.start())
    return worst, line
