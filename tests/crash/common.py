"""What all crash tests share: options, lines of results, directories, budgets of time."""

import os
import pathlib
import random
import shutil
import tempfile
import time

PROBLEMS_SHOWN = 5


class Options:
    """How much is tried. A budget is seconds for one title; full runs have none. SCALE makes a part run last a minute."""

    def __init__(self, build, full, seed, scale=0.4):
        self.build = pathlib.Path(build)
        self.full = full
        self.seed = seed
        self.scale = scale

    def choose(self, name):
        """The random choices of one title: the same whichever others run."""
        return random.Random(f"{self.seed} {name}")

    def budget(self, seconds):
        return None if self.full else seconds * self.scale


class Report:
    """Prints a line per title, and the first problems of one that failed."""

    def __init__(self):
        self.good = True

    def tell(self, title, problems, figures=""):
        if problems:
            self.good = False
            print(f"not ok - crash {title}: {len(problems)} problems")
            for problem in problems[:PROBLEMS_SHOWN]:
                print(f"#   {problem}")
        else:
            print(f"ok - crash {title}")
        if figures:
            print(f"# {title}: {figures}")
        print(end="", flush=True)

    @staticmethod
    def skip(title, why):
        print(f"# skipped - crash {title}: {why}", flush=True)


class Clock:
    """Whether a budget is spent."""

    def __init__(self, seconds):
        self.began = time.monotonic()
        self.until = None if seconds is None else self.began + seconds

    def over(self):
        return self.until is not None and time.monotonic() > self.until

    def spent(self):
        return time.monotonic() - self.began


class Place:
    """A directory for one run, in memory where there is a place for it."""

    def __init__(self):
        base = os.environ.get("TMPDIR") or ("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="pcr-", dir=base))

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def spread(count, choose, most):
    """Numbers from 1 to COUNT: all, or MOST of them from all over."""
    if most is None or count <= most:
        return list(range(1, count + 1))
    return sorted(choose.sample(range(1, count + 1), most))
