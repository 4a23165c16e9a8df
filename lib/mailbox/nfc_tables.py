#!/usr/bin/env python3
"""Writes nfc_decompositions.def and nfc_classes.def, the tables of nfc.c, from the Unicode data that Python has.

usage: lib/mailbox/nfc_tables.py      (in the top of the source tree; run by hand when Unicode changes)
"""

import sys
import unicodedata

HANGUL = range(0xAC00, 0xD7A4)


def points():
    return (p for p in range(0x110000) if not 0xD800 <= p < 0xE000 and p not in HANGUL)


def rows():
    """(composed, first, second, composes back): second is 0 for a point that stands for another one."""
    for p in points():
        text = unicodedata.decomposition(chr(p))
        if not text or text.startswith("<"):
            continue
        parts = [int(x, 16) for x in text.split()] + [0]
        back = parts[1] != 0 and unicodedata.normalize("NFC", chr(parts[0]) + chr(parts[1])) == chr(p)
        yield p, parts[0], parts[1], int(back)


def classes():
    """(first, last, class) of runs of points with one combining class that is not 0."""
    run = None
    for p in points():
        c = unicodedata.combining(chr(p))
        if run and run[1] == p - 1 and run[2] == c:
            run[1] = p
            continue
        if run and run[2]:
            yield run
        run = [p, p, c]


def write(name, what, items, per_line):
    with open(name, "w", encoding="ascii") as f:
        f.write(f"/* {what}; Unicode {unicodedata.unidata_version}; made by nfc_tables.py. */\n")
        for i in range(0, len(items), per_line):
            f.write(" ".join(items[i:i + per_line]) + "\n")


def main():
    write("lib/mailbox/nfc_decompositions.def", "Canonical decompositions: composed, first, second, does it compose back",
          [f"D({c:#x},{a:#x},{b:#x},{k})" for c, a, b, k in rows()], 4)
    write("lib/mailbox/nfc_classes.def", "Canonical combining classes: first, last, class",
          [f"C({a:#x},{b:#x},{c})" for a, b, c in classes()], 6)


if __name__ == "__main__":
    sys.exit(main())
