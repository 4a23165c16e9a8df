"""Running mailload, our generator: it lies in the build that is measured."""

import contextlib
import resource
import subprocess

FILES = 60000
program = None  # set by run


def raise_limits():
    """Thousands of connections are as many descriptors."""
    hard = max(FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


def command(kind, port, count, lanes, *words):
    return [str(program), kind, str(port), str(count), str(lanes), *words]


def run(kind, port, count, lanes, *words):
    """What it printed."""
    done = subprocess.run(command(kind, port, count, lanes, *words), capture_output=True, text=True, timeout=600,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"mailload {kind}: {done.stderr.strip()}")
    return done.stdout


@contextlib.contextmanager
def idle(kind, port, count, lanes, *words):
    """COUNT sessions that wait, for as long as the context lasts."""
    process = subprocess.Popen(command(kind, port, count, lanes, *words), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"mailload {kind}: not ready")
        yield
    finally:
        process.stdin.close()
        process.wait(60)


def rate(said):
    """The figure of "123.4 dialogues/s, 0 resumed"."""
    return float(said.split()[0])
