"""Tests of running an integration's own tests; in environments of their own in tests/cli."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.execution import Prepared, ProcessExecutor, WarmLimits
from worker.own_tests import OwnTestsLost


@pytest.fixture
def warm_limits() -> WarmLimits:
    """Start each child afresh: tests are never forked."""
    return WarmLimits(0, 0)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    kit = Path(__file__).parents[1] / "fixtures" / "kit"
    shutil.copytree(kit, tmp_path / "checkout")
    return tmp_path / "checkout"


def test_they_are_counted_and_what_they_print_is_passed_on(
    describer_with: Callable[..., ProcessExecutor],
    prepare: Callable[..., Prepared],
    checkout: Path,
    nothing_left: Callable[[], None],
) -> None:
    printed = bytearray()

    ended = describer_with().test(prepare("shop", checkout), ("-q",), printed.extend)

    assert (ended.code, ended.passed, ended.failed) == (0, 6, 0)
    assert b"6 passed" in printed
    assert any("sold_out" in note for note in ended.notes)
    nothing_left()


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [
        ("import os\nos._exit(7)\n", 100.0, "exited with code 7"),
        ("import time\ntime.sleep(600)\n", 2.0, "deadline of 2 s"),
    ],
)
def test_tests_that_never_end_or_take_the_process_along_are_told(
    describer_with: Callable[..., ProcessExecutor],
    prepare: Callable[..., Prepared],
    checkout: Path,
    nothing_left: Callable[[], None],
    text: str,
    seconds: float,
    reason: str,
) -> None:
    (checkout / "integrations" / "shop" / "tests" / "test_shop.py").write_text(text)
    executor = describer_with(job_timeout_seconds=seconds)

    with pytest.raises(OwnTestsLost, match=reason):
        executor.test(prepare("shop", checkout), (), lambda _: None)

    nothing_left()
