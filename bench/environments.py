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

from bench.rows import Row, at_most, print_rows
from worker.environments import BuildOptions, Environments
from worker.installer import find_uv
from worker.requirements import read_base_requirements

NAME = "environments"
GOAL = 1.2
ROUNDS = 7
AT_ONCE = 2
A_TURN = 4
SMALL = (
    *("blinker", "cachetools", "click", "colorama", "decorator", "filelock", "humanize"),
    *("iniconfig", "itsdangerous", "more-itertools", "packaging", "pathspec", "platformdirs"),
    *("pluggy", "pyparsing", "six", "sortedcontainers", "tabulate", "toolz", "xmltodict"),
)
SDK = Path(__file__).parent.parent / "utils"


def measure() -> list[Row]:
    """Build the same environments by turns in both ways; the ratio is of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        locks = _warm_up(root)
        rounds = [_round_seconds(root, locks, number) for number in range(ROUNDS)]
    ours, bare = (statistics.median(side) for side in zip(*rounds, strict=True))
    what = f"{len(SMALL)} environments, {AT_ONCE} at once, beside bare uv venv + uv pip install"
    return [at_most(what, ours, bare, "s", GOAL)]


def _warm_up(root: Path) -> list[Path]:
    """Fill the cache, make the locks, and return the locks as uv reads them."""
    environments = _environments(root, root / "warm")
    return [environments.build(name, [name]).lock for name in SMALL]


def _round_seconds(root: Path, locks: list[Path], number: int) -> tuple[float, float]:
    """Build everything once in both ways, a few at a time by turns: other load hits both."""
    directory = root / f"round-{number}"
    shutil.copytree(root / "warm" / "locks", directory / "ours" / "locks")
    environments = _environments(root, directory / "ours")
    ours = _Side(lambda index: environments.build(SMALL[index], [SMALL[index]]))
    bare = _Side(lambda index: _build_bare(root, locks[index], directory / "bare"))
    for turn, start in enumerate(range(0, len(SMALL), A_TURN)):
        sides = (ours, bare) if (turn + number) % 2 else (bare, ours)
        for side in sides:
            side.build(range(start, start + A_TURN))
    shutil.rmtree(directory)
    return ours.seconds, bare.seconds


class _Side:
    """One way to build, and how long its turns took."""

    def __init__(self, build_one: Callable[[int], object]) -> None:
        self._build_one = build_one
        self.seconds = 0.0

    def build(self, indexes: Iterable[int]) -> None:
        """Build some environments, two at once."""
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._build_one, indexes))
        self.seconds += time.perf_counter() - started


def _build_bare(root: Path, lock: Path, to: Path) -> None:
    path = str(to / lock.parent.name)
    install = ("pip", "install", "--no-deps", "--offline", "--python", path, "-r", str(lock))
    environ = {**os.environ, "UV_CACHE_DIR": str(root / "cache" / "uv")}
    for command in (("venv", "--python", sys.executable, path), install):
        subprocess.run([str(find_uv(environ)), "--quiet", *command], env=environ, check=True)


def _environments(root: Path, directory: Path) -> Environments:
    options = BuildOptions(environ=os.environ, cache=root / "cache")
    return Environments(directory, read_base_requirements(), SDK, options)


if __name__ == "__main__":
    print_rows(measure())
