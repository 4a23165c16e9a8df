"""SUSPENDS tells the truth: whoever may suspend says so, in header and definition, and nobody suspends where no fiber is.

A file sees the marks of the headers it includes and of its own functions. Calls through a struct's member count when
the member's type is a typedef marked SUSPENDS and no other member has that name. Best effort: functions handed on
through variables are not followed.
"""

import re

from source import CALL
from tree import Finding

RULES = ("suspends", "suspends-agree", "suspends-stack", "fiber-main")

# Functions that run their argument (its place, from 0) where no fiber may suspend.
OFF_FIBER = {"on_main_stack": (0,), "pool_run": (1,), "pool_submit": (1, 2), "timer_init": (1,),
             "loop_on_signal": (1,), "loop_at_turn_end": (0,), "listener_start": (2,)}
MARK = re.compile(r"([^;{}]*)\b(SUSPENDS|FIBER_MAIN)\b([^;{}]*)")


class Marks:
    """The names that one file declares: functions by mark, types of functions that suspend, and their members."""

    def __init__(self, source):
        self.functions, self.types, self.declared = {}, set(), set()
        for m in MARK.finditer(source.bare):
            name = CALL.search(m.group(3))
            if not name:
                continue
            if re.search(r"\btypedef\b", m.group(1) + m.group(3)):
                self.types.add(name.group(1))
            else:
                self.functions[name.group(1)] = m.group(2)
        flat = re.sub(r"\{[^{}]*\}", ";", source.bare)
        for statement in flat.split(";"):
            name = CALL.search(statement)
            if name and not re.search(r"\btypedef\b", statement):
                self.declared.add(name.group(1))


class Book:
    """What each file sees of others' marks."""

    def __init__(self, tree):
        self.tree = tree
        self.marks = {s.path: Marks(s) for s in tree.sources(".c", ".h")}
        self.members = self._members()
        self._headers = {}

    def _members(self):
        """Names of struct members through which a call suspends, and through no other member of that name."""
        types = set().union(*(m.types for m in self.marks.values()), set())
        yes, no = set(), set()
        for source in self.tree.sources(".c", ".h"):
            for m in re.finditer(r"^\t+(?:const )?(\w+) \*(?:const )?(\w+);", source.bare, re.M):
                (yes if m.group(1) in types else no).add(m.group(2))
            no |= set(re.findall(r"\(\*(\w+)\)\(", source.bare))
        return yes - no

    def headers(self, path):
        """All headers of the tree that PATH includes, directly or not."""
        if path in self._headers:
            return self._headers[path]
        seen, todo = self._headers.setdefault(path, set()), [path]
        while todo:
            at = todo.pop()
            names = (self.tree.resolve(at, n) for _, n, quoted in self.tree.source(at).includes if quoted)
            new = [n for n in names if n and n in self.marks and n not in seen]
            seen.update(new)
            todo += new
        return seen

    def visible(self, path):
        """{name: mark} as PATH sees it; its own definitions win."""
        seen = {}
        for header in self.headers(path):
            seen.update(self.marks[header].functions)
        for f in self.tree.source(path).functions:
            seen.pop(f.name, None)
        seen.update(self.marks[path].functions)
        return seen


def check(tree):
    book = Book(tree)
    for source in tree.sources(".c", ".h"):
        seen = book.visible(source.path)
        for f in source.functions:
            yield from check_body(source, f, seen, book.members)
        yield from check_agreement(book, source)
        yield from check_handed(source, seen, book.members)


def suspending_calls(function, seen, members):
    for name, line in function.calls():
        if seen.get(name) == "SUSPENDS":
            yield name, line
    for m in re.finditer(r"(?:->|\.)(\w+)\s*\(", function.body):
        if m.group(1) in members:
            yield m.group(1), function.line_at(m.start())


def check_body(source, function, seen, members):
    if function.marked("SUSPENDS") or function.marked("FIBER_MAIN"):
        return
    for name, line in suspending_calls(function, seen, members):
        yield Finding("suspends", source.path, line, f"{function.name} calls {name}, which suspends",
                      f"mark {function.name} SUSPENDS (a fiber's body: FIBER_MAIN)")
        break
    for name, line in function.calls():
        if seen.get(name) == "FIBER_MAIN":
            yield Finding("fiber-main", source.path, line, f"{function.name} calls {name}, a fiber's body",
                          "start it with fiber_spawn")


def check_agreement(book, source):
    for f in source.functions:
        if f.is_static or source.path.endswith(".h"):
            continue
        for header in sorted(book.headers(source.path)):
            marks = book.marks[header]
            if f.name in marks.declared and (marks.functions.get(f.name) == "SUSPENDS") != f.marked("SUSPENDS"):
                yield Finding("suspends-agree", source.path, f.line,
                              f"{f.name} is marked differently in {header}", "mark both or neither")


def arguments(text):
    """The arguments of a call whose parenthesis has just been opened."""
    depth, out = 0, [""]
    for c in text:
        depth += {"(": 1, ")": -1}.get(c, 0)
        if depth < 0:
            break
        if c == "," and depth == 0:
            out.append("")
        else:
            out[-1] += c
    return [a.strip().lstrip("&") for a in out]


def check_handed(source, seen, members):
    """Functions handed to what runs them: off the fibers none may suspend, and fibers start in a FIBER_MAIN."""
    own = {f.name: f for f in source.functions}
    for f in source.functions:
        for m in CALL.finditer(f.body):
            given = arguments(f.body[m.end():])
            line = f.line_at(m.start())
            for place in OFF_FIBER.get(m.group(1), ()):
                name = given[place] if place < len(given) else ""
                if may_suspend(name, own, seen, members):
                    yield Finding("suspends-stack", source.path, line,
                                  f"{name} may suspend and is given to {m.group(1)}",
                                  "let it wake or spawn a fiber instead")
            if m.group(1) == "fiber_spawn" and len(given) > 1 and given[1] in own \
                    and not own[given[1]].marked("FIBER_MAIN"):
                yield Finding("fiber-main", source.path, line, f"{given[1]} is a fiber's body",
                              f"mark {given[1]} FIBER_MAIN")


def may_suspend(name, own, seen, members):
    """Is NAME marked, or does it reach something marked through functions of this file?"""
    done, todo = set(), [name]
    while todo:
        at = todo.pop()
        if at in done:
            continue
        done.add(at)
        if seen.get(at) in ("SUSPENDS", "FIBER_MAIN"):
            return True
        if at in own:
            if any(True for _ in suspending_calls(own[at], seen, members)):
                return True
            todo += [n for n, _ in own[at].calls()]
    return False
