"""Runs an integration's own tests in its environment and reports how they ended."""

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from utils.events import Channel

if TYPE_CHECKING:  # names in annotations
    from utils.session import ChildSpec

NOTES = "TRUELINE_TEST_NOTES"  # the variable that names the file for `utils.testing`


class _Counts:
    """Counts tests as pytest reports them; a plugin of pytest."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a phase of one test."""
        self.failed += bool(report.failed)
        self.skipped += bool(report.skipped)
        self.passed += bool(report.passed and report.when == "call")

    def pytest_collectreport(self, report: Any) -> None:
        """Count files that cannot be imported."""
        self.failed += bool(report.failed)


class Ran(NamedTuple):
    """How the tests ended."""

    code: int
    passed: int
    failed: int
    skipped: int


def run_tests(spec: "ChildSpec", channel: Channel) -> None:
    """Run `integrations/<name>/tests` by pytest; what it prints goes to stdout."""
    notes = Path(os.environ["TMPDIR"]) / "notes.jsonl"
    os.environ[NOTES] = str(notes)
    tests = Path(spec.snapshot) / "integrations" / spec.integration / "tests"
    os.chdir(spec.snapshot)
    ran = _ran(tests, spec.only or ())
    channel.send({"type": "tests", **ran._asdict(), "notes": _lines_of(notes)})


def _ran(tests: Path, arguments: Any) -> Ran:
    pytest = importlib.import_module("pytest")
    counts = _Counts()
    settings = Path(os.environ["TMPDIR"]) / "pytest.ini"  # none of those above the checkout
    settings.write_text("[pytest]\n")
    own = tests / "pytest.ini"
    options = (
        *("-c", str(own if own.exists() else settings), "--import-mode=importlib"),
        *("--rootdir", str(tests), "--confcutdir", str(tests)),
        *("-p", "no:cacheprovider", "--strict-markers", "--color=no"),
    )
    code = int(pytest.main([str(tests), *options, *arguments], plugins=[counts]))
    sys.stdout.flush()
    return Ran(code, counts.passed, counts.failed, counts.skipped)


def _lines_of(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []
