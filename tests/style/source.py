"""A C file as the checks see it: without comments, without the insides of strings, cut into functions.

This is no parser. It relies on the layout that clang-format gives: a function's name starts a line, its braces stand
alone in column 0.
"""

import re

TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "case", "defined",
            "_Alignof", "_Static_assert", "static_assert", "assert", "__attribute__", "typeof"}
CALL = re.compile(r"(?<![\w.])(?<!->)([A-Za-z_]\w*)\s*\(")


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def _without_comment(m):
    return blank(m.group(0)) if m.group(0).startswith("/") else m.group(0)


def _without_inside(m):
    t = m.group(0)
    return blank(t) if t.startswith("/") else t[0] + blank(t[1:-1]) + t[-1]


class Function:
    """One definition: HEAD is all before its brace, BODY all between the braces; LINE is that of its name."""

    def __init__(self, name, head, body, line, body_line):
        self.name, self.head, self.body = name, head, "\n".join(body)
        self.line, self.body_line = line, body_line
        self.length = len(body) + 2  # lines, both braces counted

    @property
    def is_static(self):
        return re.search(r"\bstatic\b", self.head) is not None

    def marked(self, word):
        return re.search(rf"\b{word}\b", self.head) is not None

    def line_at(self, offset):
        return self.body_line + self.body.count("\n", 0, offset)

    def calls(self):
        """(name, line) of each call by name; calls through a struct's member are not by name."""
        for m in CALL.finditer(self.body):
            if m.group(1) not in KEYWORDS:
                yield m.group(1), self.line_at(m.start())


class Source:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.split("\n")
        self.no_comments = TOKENS.sub(_without_comment, text)
        self.code = TOKENS.sub(_without_inside, text)
        self.bare = DIRECTIVE.sub(lambda m: blank(m.group(0)), self.code)
        self.functions = list(self._functions())
        self.includes = list(self._includes())  # (line, name, quoted?) of each

    def _functions(self):
        lines = self.bare.split("\n")
        at = 0
        while at < len(lines):
            end = next((i for i in range(at, len(lines)) if lines[i].startswith("}")), None)
            if lines[at].rstrip() != "{" or end is None:
                at += 1
                continue
            function = self._function(lines, at, end)
            if function:
                yield function
            at = end + 1

    @staticmethod
    def _function(lines, at, end):
        top = at
        while top > 0 and lines[top - 1].strip() and not lines[top - 1].rstrip().endswith((";", "}")):
            top -= 1
        head = "\n".join(lines[top:at])
        name = re.search(r"^\*?(\w+)\(", head, re.M) or re.search(r"(\w+)\s*\(", head)
        if not name or "=" in head.split("(")[0]:
            return None
        line = top + 1 + head.count("\n", 0, name.start(1))
        return Function(name.group(1), head, lines[at + 1:end], line, at + 2)

    def line_at(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def _includes(self):
        for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)', self.no_comments, re.M):
            yield self.line_at(m.start(1)), m.group(2), m.group(1) == '"'

    def directives(self):
        """(line, text) of each preprocessor directive, continuation lines joined."""
        for m in DIRECTIVE.finditer(self.code):
            yield self.line_at(m.start()), m.group(0).strip().replace("\\\n", " ")
