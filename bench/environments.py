"""Twenty environments, two at once: ours beside bare uv with the same locks and cache."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from bench.rows import Row, at_most, print_rows
from worker.environments import BuildOptions, Environments
from worker.installer import find_uv
from worker.requirements import read_base_requirements

NAME = "environments"
GOAL = 1.2
ROUNDS = 7
AT_ONCE = 2
SMALL = (
    *("blinker", "cachetools", "click", "colorama", "decorator", "filelock", "humanize"),
    *("iniconfig", "itsdangerous", "more-itertools", "packaging", "pathspec", "platformdirs"),
    *("pluggy", "pyparsing", "six", "sortedcontainers", "tabulate", "toolz", "xmltodict"),
)
Thing = TypeVar("Thing")
SDK = Path(__file__).parent.parent / "utils"


def measure() -> list[Row]:
    """Build the same environments by turns in both ways; the ratio is of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        locks = _warm_up(root)
        ours, bare = [], []
        for number in range(ROUNDS):
            ours.append(_seconds(lambda to: _build_ours(root, to), root / f"ours-{number}"))
            bare.append(_seconds(lambda to: _build_bare(root, locks, to), root / f"bare-{number}"))
    what = f"{len(SMALL)} environments, {AT_ONCE} at once, beside bare uv venv + uv pip install"
    return [at_most(what, statistics.median(ours), statistics.median(bare), "s", GOAL)]


def _warm_up(root: Path) -> list[Path]:
    """Fill the cache, make the locks, and return the locks as uv reads them."""
    environments = _environments(root, root / "warm")
    return [environments.build(name, [name]).lock for name in SMALL]


def _build_ours(root: Path, to: Path) -> None:
    environments = _environments(root, to)
    _two_at_once(lambda name: environments.build(name, [name]), SMALL)


def _build_bare(root: Path, locks: list[Path], to: Path) -> None:
    uv = str(find_uv(os.environ))
    environ = {**os.environ, "UV_CACHE_DIR": str(root / "cache" / "uv")}

    def build(lock: Path) -> None:
        path = str(to / lock.parent.name)
        install = ("pip", "install", "--no-deps", "--offline", "--python", path, "-r", str(lock))
        for command in (("venv", "--python", sys.executable, path), install):
            subprocess.run([uv, "--quiet", *command], env=environ, check=True)

    _two_at_once(build, locks)


def _environments(root: Path, directory: Path) -> Environments:
    options = BuildOptions(environ=os.environ, cache=root / "cache")
    return Environments(directory, read_base_requirements(), SDK, options)


def _two_at_once(build: Callable[[Thing], object], things: Iterable[Thing]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(build, things))


def _seconds(build: Callable[[Path], None], directory: Path) -> float:
    """Time a build of everything into a directory that knows the locks and nothing else."""
    known = directory.parent / "warm" / "locks"
    shutil.copytree(known, directory / "locks")
    started = time.perf_counter()
    build(directory)
    seconds = time.perf_counter() - started
    shutil.rmtree(directory)
    return seconds


if __name__ == "__main__":
    print_rows(measure())
