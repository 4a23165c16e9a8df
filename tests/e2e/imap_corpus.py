"""Messages of other projects' test sets over IMAP: what FETCH and SEARCH say of them is compared with the files and with what
Python's email package makes of them. Run by tests/e2e/run; without the corpus there is nothing to test."""

import email
import os
import pathlib

from imap_clients import client, good, literal

ACCOUNTS = ("imapcorpus",)
CORPUS = pathlib.Path(os.environ.get("CORPUS", pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus")) / "mime"
MOST = 1 << 20  # bytes of a file
# Two boundaries in a row: Python takes them for one, we for an empty part (RFC 2046 5.1.1 allows it).
KNOWN = ("double-bound.eml", "msg_37.eml")


def corpus():
    if not CORPUS.is_dir():
        return {}
    files = sorted(p for p in CORPUS.rglob("*.eml") if p.is_file() and p.stat().st_size < MOST)
    return {p: p.read_bytes() for p in files}


def wire(text):
    """TEXT as a client is to see it: CR LF, and no NUL."""
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\0", b"\x80")


def put(suite, account, texts):
    """As another program does: files in cur/."""
    box = next(p for p in (suite.home(account) / "Maildir", suite.home(account)) if (p / "cur").is_dir())
    owner = (box / "cur").stat()
    for n, text in enumerate(texts):
        path = box / "cur" / f"{1_000_000 + n}.corpus:2,S"
        path.write_bytes(text)
        os.chown(path, owner.st_uid, owner.st_gid)


def leaves(message, path=()):
    """(section, part) of each part that has no parts, as IMAP numbers them."""
    todo, found = [(message, path)], []
    while todo:
        part, path = todo.pop()
        inner = part.get_payload() if part.is_multipart() else []
        if part.get_content_maintype() == "message" and inner:
            if inner[0].is_multipart() and inner[0].get_content_maintype() == "multipart":
                todo.append((inner[0], path))
            continue
        if not inner:
            found.append((".".join(map(str, path or (1,))), part))
        todo += [(p, path + (n,)) for n, p in enumerate(inner, 1)]
    return found


def is_sound(message):
    """Python found nothing wrong, so both must see the same."""
    return not any(part.defects for part in message.walk())


def fetch(c, number, what):
    return literal(good(c.fetch(str(number), f"({what})")))


def test_corpus_is_fetched_as_it_is(suite):
    texts = corpus()
    if not texts:
        return
    c = client(suite, "imapcorpus")
    good(c.select("INBOX"))
    put(suite, "imapcorpus", texts.values())
    assert good(c.select("INBOX"))[0] == str(len(texts)).encode()
    parts = 0
    for n, (path, text) in enumerate(texts.items(), 1):
        want = wire(text)
        assert fetch(c, n, "BODY.PEEK[]") == want, path.name
        size = good(c.fetch(str(n), "(RFC822.SIZE)"))[0]
        assert f"RFC822.SIZE {len(want)})".encode() in size, (path.name, size, len(want))
        assert fetch(c, n, "BODY.PEEK[HEADER]") + fetch(c, n, "BODY.PEEK[TEXT]") == want, path.name
        good(c.fetch(str(n), "(ENVELOPE BODY BODYSTRUCTURE)"))
        message = email.message_from_bytes(want)
        for section, part in leaves(message) if is_sound(message) and path.name not in KNOWN else ():
            mine = (part._payload or "").encode("ascii", "surrogateescape")  # get_payload() would decode 8-bit text
            assert fetch(c, n, f"BODY.PEEK[{section}]") == mine, (path.name, section, mine[:200])
            parts += 1
    assert parts > len(texts) / 2, f"only {parts} parts of {len(texts)} messages were compared"
    c.logout()


def test_corpus_is_searched(suite):
    texts = list(corpus().values())
    if not texts:
        return
    c = client(suite, "imapcorpus")
    good(c.select("INBOX"))
    everything = [str(n).encode() for n in range(1, len(texts) + 1)]
    assert good(c.search(None, "ALL"))[0].split() == everything
    for word in ("the", "example", "boundary"):
        found = set(good(c.search(None, "TEXT", word))[0].split())
        # What is plain text is found; what is encoded may be found as well.
        plain = {n for n, text in zip(everything, texts)
                 if word in str(email.message_from_bytes(text).get("Subject", "")).lower()}
        assert plain <= found, (word, sorted(plain - found))
        assert set(good(c.search(None, "BODY", word))[0].split()) <= found
    c.logout()
