"""Who may include whom: lib/ is a stack whose order the DEPS files tell, and no daemon knows another's headers."""

from tree import Finding, Note, is_daemon

RULES = ("layers", "layers-order", "layers-daemons")

# Parts of lib/ that only some programs may use: nobody else has a mailbox in sight.
RESERVED = {"mailbox": ("local", "imapd", "pop3d", "tools")}


def read_deps(tree, lib):
    path = f"lib/{lib}/DEPS"
    if not tree.has(path):
        return []  # which folder-papers tells
    lines = (line.split("#")[0] for line in tree.text(path).split("\n"))
    return [word for line in lines for word in line.split()]


def check(tree):
    libs = tree.libs()
    deps = {lib: read_deps(tree, lib) for lib in libs}
    used = {lib: set() for lib in libs}
    for source in tree.sources(".c", ".h", ".def", below=("lib",)):
        if source.path.count("/") > 1:
            yield from check_lib(tree, source, libs, deps, used)
    yield from check_order(libs, deps)
    for lib in libs:
        for dep in sorted(set(deps[lib]) - used[lib]):
            yield Note(f"lib/{lib}/DEPS: {dep} is not used")
    for source in tree.sources(".c", ".h"):
        if is_daemon(source.path):
            yield from check_daemon(tree, source)


def check_lib(tree, source, libs, deps, used):
    own = source.path.split("/")[1]
    for line, name, quoted in source.includes:
        folder = name.split("/")[0] if "/" in name else ""
        if not quoted and folder not in libs:
            continue
        if not quoted:
            yield Finding("layers", source.path, line, f"<{name}> in angle brackets",
                          f'write #include "{name}"')
        elif name != "config.h" and folder == "":
            yield Finding("layers", source.path, line, f'"{name}" without its folder',
                          f'write #include "{own}/{name}"')
        elif name != "config.h" and folder not in [own] + deps[own] and tree.has(f"lib/{own}/DEPS"):
            yield Finding("layers", source.path, line, f"lib/{own} may not include {name}",
                          f"use what lib/{own}/DEPS lists, or list {folder} there if it lies below")
        used[own].add(folder)


def check_order(libs, deps):
    for lib in libs:
        for dep in deps[lib]:
            if dep not in libs:
                yield Finding("layers-order", f"lib/{lib}/DEPS", 1, f"no lib/{dep}", "correct the name")
    left = {lib: set(deps[lib]) & set(libs) for lib in libs}
    while left:
        free = [lib for lib in left if not left[lib] & set(left)]
        if not free:
            circle = ", ".join(sorted(left))
            yield Finding("layers-order", f"lib/{min(left)}/DEPS", 1, f"a circle in DEPS ({circle})",
                          "move what both need into a folder below both")
            return
        for lib in free:
            del left[lib]


def check_daemon(tree, source):
    own = tree.program(source.path)
    top = source.path.split("/")[0]
    for line, name, quoted in source.includes:
        found = tree.resolve(source.path, name) if quoted else None
        if found is None:
            continue
        lib = found.split("/")[1] if found.startswith("lib/") else ""
        if top not in RESERVED.get(lib, (top,)):
            yield Finding("layers-daemons", source.path, line, f"{top} includes {name}",
                          f"lib/{lib} is for {', '.join(RESERVED[lib])} alone")
        elif is_daemon(found) and not may_share(tree, own, tree.program(found)):
            yield Finding("layers-daemons", source.path, line, f"{own} includes {name} of another program",
                          "move what both need into lib/, or send a message")


def may_share(tree, own, other):
    """A program has its own headers, and those of the folder above it when that is not a program itself."""
    return own == other or own.startswith(other + "/") and not tree.has_main(other)
