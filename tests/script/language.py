"""The language of transcripts: statements, words, blocks, variables, and patterns.

A statement is a line; a line that ends in a brace opens a block, which a brace alone closes. How the words and the block
are read is each statement's own affair. HACKING.md tells how to write a transcript.
"""

import dataclasses
import re


class Failure(Exception):
    """A transcript did not go as it says. where: (path, line) or None."""

    def __init__(self, text, where=None):
        super().__init__(text)
        self.where = where


class Skip(Exception):
    """A transcript that cannot run here."""


@dataclasses.dataclass
class Statement:
    """One line, and the lines of its block (None: it has none)."""

    path: str
    line: int
    text: str
    block: list

    @property
    def where(self):
        return (self.path, self.line)

    @property
    def verb(self):
        return self.text.split(None, 1)[0]

    def rest(self, words=1):
        """What follows the first words, as it stands."""
        parts = self.text.split(None, words)
        return parts[words] if len(parts) > words else ""


VERBATIM = ("<", ">")  # these lines never open or close a block


def opens(text):
    return text == "{" or text.endswith(" {")


def parse(lines, path):
    """Statements in numbered lines [(number, text)]."""
    found = []
    at = 0
    while at < len(lines):
        number, raw = lines[at]
        at += 1
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith(VERBATIM) or not opens(text):
            # Blanks at the end may be what is to be sent; those at the front are indentation.
            found.append(Statement(path, number, raw.lstrip().rstrip("\r\n"), None))
            continue
        block, depth = [], 1
        while at < len(lines) and depth:
            inner = lines[at][1].strip()
            if not inner.startswith(VERBATIM):
                depth += opens(inner) - (inner == "}")
            if depth:
                block.append(lines[at])
            at += 1
        if depth:
            raise Failure("this block has no end", (path, number))
        found.append(Statement(path, number, text[:-1].rstrip(), block))
    return found


def parse_file(path):
    with open(path, encoding="utf-8") as f:
        return parse(list(enumerate(f.read().split("\n"), 1)), str(path))


def dedent(block):
    """The text of a block less its common indentation."""
    lines = [text.expandtabs(8) if text.strip() else "" for _, text in block]
    margin = min((len(t) - len(t.lstrip()) for t in lines if t), default=0)
    return [t[margin:] for t in lines]


ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "\\": b"\\", '"': b'"'}


def unescape(text, where=None):
    r"""The bytes that text means: \r \n \t \0 \\ \" \xHH."""
    def replace(m):
        if m.group(1):
            return bytes([int(m.group(1), 16)])
        if m.group(2) not in ESCAPES:
            raise Failure(f"unknown escape \\{m.group(2)}", where)
        return ESCAPES[m.group(2)]

    out, at = b"", 0
    for m in re.finditer(r"\\(?:x([0-9a-fA-F]{2})|(.))", text):
        out += text[at:m.start()].encode("utf-8") + replace(m)
        at = m.end()
    return out + text[at:].encode("utf-8")


WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def words(text, where=None):
    """Words; one in quotes may hold blanks and escapes."""
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        m = WORD.match(text, at)
        found.append(m.group(2) if m.group(1) is None else unescape(m.group(1), where).decode("utf-8", "surrogateescape"))
        at = m.end()
    return found


def quoted(text, where=None):
    """The bytes of one quoted text, all of which must be quoted."""
    m = WORD.fullmatch(text.strip())
    if not m or m.group(1) is None:
        raise Failure(f'a text in quotes is expected, not: {text}', where)
    return unescape(m.group(1), where)


def expand(text, variables, where=None):
    """Replaces ${name}, which may have dots; $${ stands for ${."""
    def replace(m):
        if m.group(0) == "$${":
            return "${"
        value = variables(m.group(1))
        if value is None:
            raise Failure(f"no variable ${{{m.group(1)}}}", where)
        return str(value)

    return re.sub(r"\$\$\{|\$\{([\w.-]+)\}", replace, text)


def glob_match(pattern, text):
    """Only * and ? are special, since replies are full of brackets."""
    parts = re.split(r"([*?])", pattern)
    rx = "".join({"*": ".*", "?": "."}.get(p) or re.escape(p) for p in parts)
    return re.fullmatch(rx, text, re.S) is not None


def seconds(text, where=None):
    m = re.fullmatch(r"([\d.]+)(ms|s|m)?", text)
    if not m:
        raise Failure(f"no time: {text}", where)
    return float(m.group(1)) * {"ms": 0.001, "m": 60.0}.get(m.group(2), 1.0)


def number(text, where=None):
    """A number of things or bytes: 10, 64K, 1M."""
    m = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not m:
        raise Failure(f"no number: {text}", where)
    return int(m.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[m.group(2)]


def search(pattern, text, where=None):
    try:
        return re.search(pattern, text, re.M)
    except re.error as e:
        raise Failure(f"bad regular expression: {pattern}: {e}", where) from None
