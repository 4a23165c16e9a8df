"""Calls that only some files may make, and calls that nobody may make."""

import re

from tree import DAEMONS, Finding

RULES = ("unsafe-calls", "memory-calls", "file-calls", "crypto-calls")

PRODUCT = ("lib",) + DAEMONS

UNSAFE = "strcpy strcat sprintf vsprintf strtok atoi gets system popen alloca".split()

MEMORY = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf".split()
MEMORY_OWNERS = re.compile(r"lib/base/(mem|arena|str|map|heap)\.c$")
FOREIGN = "/* foreign */"  # on the line of a free() of what a foreign library allocated

STREAM_IO = "read readv write writev".split()
FILES = STREAM_IO + """open openat openat2 creat fopen fdopen pread preadv pwrite pwritev fsync fdatasync
    sync_file_range sync syncfs rename renameat renameat2 link linkat unlink unlinkat rmdir remove mkdir mkdirat
    mkfifo mknod symlink symlinkat truncate ftruncate fallocate posix_fallocate mkstemp mkostemp mkdtemp tmpfile
    copy_file_range chmod fchmod fchmodat chown fchown fchownat utimensat futimens""".split()
FILES_OWNERS = re.compile(r"lib/base/sys\w*\.c$")
# They move bytes over sockets and pipes, the log's among them, which fault injection does not count.
STREAM_OWNERS = re.compile(r"(lib/event|lib/ipc|master)/|lib/base/(log|mem)\.c$")

CRYPTO = re.compile(r"\b(?:SSL|EVP)_\w+")
CRYPTO_OWNERS = re.compile(r"lib/event/tls\w*\.[ch]$|master/authd/|tests/")


def pattern(names):
    return re.compile(r"(?<![\w.])(?<!->)(" + "|".join(names) + r")\s*\(")


def calls(source, names):
    for m in pattern(names).finditer(source.code):
        yield m.group(1), source.line_at(m.start())


def check(tree):
    for source in tree.sources(".c", ".h", ".def"):
        for name, line in calls(source, UNSAFE):
            yield Finding("unsafe-calls", source.path, line, f"{name}()",
                          "use struct str, num_parse and their kin, or fork and exec")
        if not CRYPTO_OWNERS.match(source.path):
            for m in CRYPTO.finditer(source.code):
                yield Finding("crypto-calls", source.path, source.line_at(m.start()), m.group(0),
                              "OpenSSL is for lib/event/tls*, master/authd and tests")
    for source in tree.sources(".c", ".h", ".def", below=PRODUCT):
        yield from check_memory(source)
        yield from check_files(source)


def check_memory(source):
    if MEMORY_OWNERS.match(source.path):
        return
    for name, line in calls(source, MEMORY):
        if name == "free" and FOREIGN in source.lines[line - 1]:
            continue
        yield Finding("memory-calls", source.path, line, f"{name}()",
                      f"use mem_alloc or an arena; free() of a library's own memory carries {FOREIGN}")


def check_files(source):
    if FILES_OWNERS.match(source.path):
        return
    for name, line in calls(source, FILES):
        if name in STREAM_IO and STREAM_OWNERS.match(source.path):
            continue
        yield Finding("file-calls", source.path, line, f"{name}()",
                      "go through base/sys.h, so that tests can make it fail")
