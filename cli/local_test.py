"""Tests one integration of a checkout: its own tests, the fault matrix, and the tier they make."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.exits import Exit
from cli.fault_matrix import Matrix, OnCell, exchange_sets, merged, play_faults
from cli.imports import imported_modules
from cli.local_run import LocalSession, LocalWorker, Outcome, Wish, check_config
from cli.quality_facts import Checked, Evidence, facts_of, notes_of
from cli.server_tests import server_rows
from utils import __version__
from utils.errors import TruelineError
from utils.exchange_file import SET_CONFIG, Exchange
from utils.files import write_durably
from utils.manifest import Entry
from utils.quality import FILE_NAME, Quality, folder_digest, quality_text
from utils.tiers import Standing, standing_of
from utils.tree import INTEGRATIONS
from worker.child_events import OwnTestsEnded
from worker.execution import WarmLimits
from worker.requirement import Requirement
from worker.requirements import read_requirements

WARM = WarmLimits(processes=1, memory_bytes=2 * 1024**3)
PYTEST = "pytest>=8"

ConfigOf = Callable[[str], Mapping[str, Any]]  # of a set of exchanges, by its name


class NotTestable(TruelineError):  # noqa: N818 - reads as the state it reports
    """The integration cannot be tested as it is."""

    exit_code = Exit.FAILED


@dataclass(frozen=True)
class Proof:
    """What came of testing."""

    tests: OwnTestsEnded | None  # None: it has none
    matrix: Matrix | None
    standing: Standing

    @property
    def exit(self) -> Exit:
        """Return FINE when everything that ran is good."""
        failed = self.tests is not None and self.tests.failed > 0
        crashed = self.tests is not None and self.tests.code not in {0, 1, 5}
        quiet = self.matrix is not None and bool(self.matrix.quiet)
        return Exit.FAILED if failed or crashed or quiet else Exit.FINE

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "tier": self.standing.tier,
            "next": self.standing.next,
            "missing": list(self.standing.missing),
            "tests": counts(self.tests),
            "matrix": self.matrix.as_json() if self.matrix else None,
        }


@dataclass(frozen=True)
class LocalTest:
    """One integration of a checkout; `tell` gets what its tests print, `on_cell` each fault."""

    worker: LocalWorker
    checkout: Path
    entry: Entry
    checked: Checked | None
    tell: Callable[[bytes], None]
    on_cell: OnCell

    @property
    def folder(self) -> Path:
        """Where the integration's files are."""
        return self.checkout / INTEGRATIONS / self.entry.name

    def run(self, *, faults: bool, config_of: ConfigOf) -> Proof:
        """Run its tests, and with `faults` the matrix, whose findings are written down."""
        digest = folder_digest(self.folder)
        with self.worker.open(WARM, alone=True) as session:
            requirements = read_requirements(self.folder / "requirements.txt", self.entry.name)
            tests = self._tests(session, requirements)
            prepared = session.prepare_with(self.checkout, self.entry, requirements)
            described = session.executor.describe(prepared)
            if described.broken is not None:
                raise NotTestable(described.broken["reason"], described.broken["advice"])
            matrix = None
            if faults:
                served = Matrix(server_rows(notes_of(tests)))
                matrix = merged((self._matrix(session, requirements, config_of), served))
        evidence = Evidence(self.entry, described.tasks, requirements, tests, matrix, self.checked)
        tested = Proof(tests, matrix, standing_of(facts_of(evidence)))
        if faults:
            self._write(tested, digest)
        return tested

    def _tests(
        self, session: LocalSession, requirements: tuple[Requirement, ...]
    ) -> OwnTestsEnded | None:
        if not any((self.folder / "tests").glob("**/test_*.py")):
            return None
        more = read_requirements(self.folder / "requirements-test.txt", self.entry.name)
        wanted = [*requirements, *more]
        if not any(one.name == "pytest" for one in wanted):
            wanted.append(Requirement(PYTEST))
        prepared = session.prepare_with(self.checkout, self.entry, wanted)
        with prepared.environment.in_use():
            return session.executor.test(prepared, (), self.tell)

    def _matrix(
        self,
        session: LocalSession,
        requirements: tuple[Requirement, ...],
        config_of: ConfigOf,
    ) -> Matrix:
        modules = imported_modules(self.folder)
        prepared = session.prepare_with(self.checkout, self.entry, requirements, modules)

        def play(name: str, exchanges: tuple[Exchange, ...]) -> Matrix:
            config = config_of(name)
            check_config(self.entry, config)

            def run(wish: Wish) -> Outcome:
                return session.run(prepared, self.entry, config, wish)

            return play_faults({name: exchanges}, run, self.on_cell)

        return merged(play(*named) for named in exchange_sets(self.folder).items())

    def _write(self, tested: Proof, digest: str) -> None:
        """Write what was found out about the files as they were when it began."""
        quality = Quality(
            tier=tested.standing.tier,
            digest=digest,
            tests=counts(tested.tests),
            matrix=tested.matrix.as_json() if tested.matrix else {},
            at_version=__version__,
            is_fresh=True,
        )
        write_durably(self.folder / FILE_NAME, quality_text(quality).encode())


def read_test_config(folder: Path, exchanges: str) -> dict[str, Any]:
    """Return the config that a set of an integration's exchanges is replayed with.

    What the set's own file has goes before what stands there for all sets.
    """
    tests = folder / "tests"
    own = tests / "exchanges" / exchanges / SET_CONFIG
    return {**_read_config(tests / SET_CONFIG), **_read_config(own)}


def _read_config(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NotTestable(f"{path} cannot be read: {error}", "make it a JSON object") from error
    if not isinstance(config, dict):
        raise NotTestable(f"{path} is no JSON object", 'write it as {"url": "..."}')
    return config


def counts(tests: OwnTestsEnded | None) -> dict[str, int]:
    """Return how many tests ended in which way."""
    if tests is None:
        return {"passed": 0, "failed": 0, "skipped": 0}
    return {"passed": tests.passed, "failed": tests.failed, "skipped": tests.skipped}
