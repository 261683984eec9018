"""Environments, two builds at once: ours beside bare uv with the same cache, by turns."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.rows import Row, at_most, print_rows
from worker.environments import BuildOptions, Environments
from worker.installer import find_uv
from worker.requirements import BASE_PATH, read_base_requirements

NAME = "environments"
GOAL = 1.2
GOAL_LINKED_SECONDS = 0.2
GOAL_FIRST_IMPORT = 1.1
ROUNDS = 5
ROUNDS_WITH_AN_INDEX = 3
IMPORT_ROUNDS = 20
CHANGED = 2
AT_ONCE = 2
A_TURN = 4
SMALL = (
    *("blinker", "cachetools", "click", "colorama", "decorator", "filelock", "humanize"),
    *("iniconfig", "itsdangerous", "more-itertools", "packaging", "pathspec", "platformdirs"),
    *("pluggy", "pyparsing", "six", "sortedcontainers", "tabulate", "toolz", "xmltodict"),
)
SDK = Path(__file__).parent.parent / "utils"
IMPORTS = "import httpx, jsonschema, pydantic, requests"

BuildOne = Callable[[int], object]


def measure() -> list[Row]:
    """Build the same environments by turns in both ways; the ratio is of the medians."""
    with tempfile.TemporaryDirectory() as scratch:
        scene = _Scene(Path(scratch))
        return [
            *scene.locked(),
            scene.unlocked(),
            scene.changed(),
            *scene.linked(),
            *scene.imported(),
        ]


class _Scene:
    """A filled package cache, and the locks of what is built."""

    def __init__(self, root: Path) -> None:
        self.root = root
        warm = self._environments(root / "warm")
        self._locks = [warm.build(name, [name]).lock for name in SMALL]

    def locked(self) -> list[Row]:
        """Compare builds from known locks; ours make bytecode, so the goal is for uv doing so."""
        what = f"{len(SMALL)} environments, {AT_ONCE} at once, beside bare uv venv + uv pip install"
        alike = self._locked_row(f"{what} --compile-bytecode", "--compile-bytecode")
        unlike = self._locked_row(f"{what}, which makes no bytecode")
        return [alike, replace(unlike, goal="-", holds=None)]

    def _locked_row(self, what: str, *options: str) -> Row:
        def sides(directory: Path) -> tuple[BuildOne, BuildOne]:
            shutil.copytree(self.root / "warm" / "locks", directory / "ours" / "locks")
            ours = self._building(directory / "ours")
            return ours, lambda index: self._locked_bare(index, directory / "bare", *options)

        return self._row(what, ROUNDS, sides)

    def unlocked(self) -> Row:
        """Compare builds that ask the index what to install."""
        what = f"{len(SMALL)} environments without locks, beside uv venv + uv pip install"

        def sides(directory: Path) -> tuple[BuildOne, BuildOne]:
            ours = self._building(directory / "ours")
            return ours, lambda index: self._unlocked_bare(index, directory / "bare")

        return self._row(what, ROUNDS_WITH_AN_INDEX, sides)

    def changed(self) -> Row:
        """Compare a sync of which few sets changed with bare builds of those few."""
        ours, bare = zip(*(self._changed_round(turn) for turn in range(ROUNDS)), strict=True)
        what = f"sync with {CHANGED} of {len(SMALL)} sets changed, beside uv for those {CHANGED}"
        return at_most(what, statistics.median(ours), statistics.median(bare), "s", GOAL)

    def linked(self) -> list[Row]:
        """Compare what a new SDK costs, when every package is in the store."""
        ours, bare = zip(*(self._linked_round(turn) for turn in range(ROUNDS)), strict=True)
        seconds, least = statistics.median(ours), statistics.median(bare)
        what = f"{len(SMALL)} environments linked from a filled store"
        return [
            at_most(
                f"{what}, beside {GOAL_LINKED_SECONDS} s", seconds, GOAL_LINKED_SECONDS, "s", 1
            ),
            at_most(f"{what}, beside uv venv + uv pip install", seconds, least, "s", GOAL),
        ]

    def _linked_round(self, number: int) -> tuple[float, float]:
        sdk, directory = self.root / f"sdk-{number}", self.root / f"linked-{number}"
        shutil.copytree(SDK, sdk)
        (sdk / "newer.py").write_text(f"ROUND = {number}\n")
        environments = self._environments(self.root / "warm", sdk)
        environments.build("no requirements", [])  # has the new SDK stored
        ours = _Side(lambda index: environments.build(SMALL[index], [SMALL[index]]))
        bare = _Side(lambda index: self._locked_bare(index, directory / "bare"))
        for side in (ours, bare) if number % 2 else (bare, ours):
            side.build(range(len(SMALL)))
        return ours.seconds, bare.seconds

    def imported(self) -> list[Row]:
        """Compare imports from the store: the first, later ones, a plain environment's."""
        self._locked_bare(0, self.root / "plain", "--compile-bytecode")
        plain = self.root / "plain" / self._locks[0].parent.name / "bin" / "python"
        first, later, usual = [], [], []
        for number in range(IMPORT_ROUNDS):
            sdk = self.root / f"import-sdk-{number}"
            shutil.copytree(SDK, sdk)
            (sdk / "newer.py").write_text(f"IMPORT = {number}\n")
            made = self._environments(self.root / "warm", sdk).build(SMALL[0], [SMALL[0]])
            first.append(_import_seconds(made.python))
            usual.append(_import_seconds(plain))
            later.append(_import_seconds(made.python))
        one, two, three = (statistics.median(side) * 1000 for side in (first, later, usual))
        return [
            at_most(
                "first import after a build, beside later ones", one, two, "ms", GOAL_FIRST_IMPORT
            ),
            at_most(
                "imports from the store, beside a plain environment",
                two,
                three,
                "ms",
                GOAL_FIRST_IMPORT,
            ),
        ]

    def _changed_round(self, number: int) -> tuple[float, float]:
        """Let the sets of `CHANGED` integrations move on to a version of their own."""
        directory = self.root / f"changed-{number}"
        environments = self._environments(self.root / "warm")
        for name in SMALL:  # a worker that has been running has looked them over
            environments.build(name, [name])
        moved = [
            f"{name}>0.0.{number}" if index < CHANGED else name for index, name in enumerate(SMALL)
        ]
        ours = _Side(lambda index: environments.build(SMALL[index], [moved[index]]))
        bare = _Side(lambda index: self._unlocked_bare(index, directory / "bare"))
        ours.build(range(len(SMALL)))
        bare.build(range(CHANGED))
        return ours.seconds, bare.seconds

    def _row(
        self, what: str, rounds: int, sides: Callable[[Path], tuple[BuildOne, BuildOne]]
    ) -> Row:
        seconds = []
        for number in range(rounds):
            # Nothing is deleted before the end: for a while that makes all files slower to make.
            directory = Path(tempfile.mkdtemp(prefix=f"round-{number}-", dir=self.root))
            seconds.append(_round_seconds(*sides(directory), number))
        ours, bare = (statistics.median(side) for side in zip(*seconds, strict=True))
        return at_most(what, ours, bare, "s", GOAL)

    def _building(self, directory: Path) -> BuildOne:
        environments = self._environments(directory)
        return lambda index: environments.build(SMALL[index], [SMALL[index]])

    def _locked_bare(self, index: int, to: Path, *options: str) -> None:
        lock = self._locks[index]
        self._bare(to / lock.parent.name, "--no-deps", "--offline", "-r", str(lock), *options)

    def _unlocked_bare(self, index: int, to: Path) -> None:
        self._bare(to / SMALL[index], SMALL[index], "-r", str(BASE_PATH))

    def _bare(self, path: Path, *what: str) -> None:
        environ = {**os.environ, "UV_CACHE_DIR": str(self.root / "cache" / "uv")}
        install = ("pip", "install", "--python", str(path), *what)
        for command in (("venv", "--python", sys.executable, str(path)), install):
            subprocess.run([str(find_uv(environ)), "--quiet", *command], env=environ, check=True)

    def _environments(self, directory: Path, sdk: Path = SDK) -> Environments:
        options = BuildOptions(environ=os.environ, cache=self.root / "cache")
        return Environments(directory, read_base_requirements(), sdk, options)


class _Side:
    """One way to build, and how long its turns took."""

    def __init__(self, build_one: BuildOne) -> None:
        self._build_one = build_one
        self.seconds = 0.0

    def build(self, indexes: Iterable[int]) -> None:
        """Build some environments, two at once."""
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._build_one, indexes))
        self.seconds += time.perf_counter() - started


def _round_seconds(build_ours: BuildOne, build_bare: BuildOne, number: int) -> tuple[float, float]:
    """Build everything once in both ways, a few at a time by turns: other load hits both."""
    ours, bare = _Side(build_ours), _Side(build_bare)
    for turn, start in enumerate(range(0, len(SMALL), A_TURN)):
        sides = (ours, bare) if (turn + number) % 2 else (bare, ours)
        for side in sides:
            side.build(range(start, start + A_TURN))
    return ours.seconds, bare.seconds


def _import_seconds(python: Path) -> float:
    started = time.perf_counter()
    subprocess.run([str(python), "-I", "-B", "-c", IMPORTS], check=True, timeout=60)
    return time.perf_counter() - started


if __name__ == "__main__":
    print_rows(measure())
