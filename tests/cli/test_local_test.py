"""Tests of what came of testing; the testing itself in tests/cli/commands/test_test.py."""

from pathlib import Path

import pytest

from cli.exits import Exit
from cli.fault_cells import Became, Cell
from cli.fault_matrix import Matrix, Row
from cli.local_test import NotTestable, Proof, counts, read_test_config
from utils.exchange_faults import Fault
from utils.tiers import Facts, standing_of
from worker.child_events import OwnTestsEnded

QUIET = Matrix((Row("default", "1", "a", {Fault.TIMEOUT: Cell(Became.QUIET)}),))


def ended(code: int, failed: int) -> OwnTestsEnded:
    return OwnTestsEnded(type="tests", code=code, passed=1, failed=failed, skipped=0, notes=[])


@pytest.mark.parametrize(
    ("tests", "matrix", "code"),
    [
        (None, None, Exit.FINE),
        (ended(0, 0), Matrix(), Exit.FINE),
        (ended(1, 1), None, Exit.FAILED),
        (ended(3, 0), None, Exit.FAILED),  # pytest itself failed
        (ended(0, 0), QUIET, Exit.FAILED),
    ],
)
def test_the_exit_code_is_honest(
    tests: OwnTestsEnded | None, matrix: Matrix | None, code: Exit
) -> None:
    assert Proof(tests, matrix, standing_of(Facts())).exit is code


def test_what_was_not_run_counts_as_nothing() -> None:
    told = Proof(None, None, standing_of(Facts())).as_json()

    assert told["tests"] == counts(None) == {"passed": 0, "failed": 0, "skipped": 0}
    assert (told["tier"], told["next"], told["matrix"]) == (None, "bronze", None)


def test_the_config_of_the_tests_may_be_missing_and_must_be_an_object(tmp_path: Path) -> None:
    assert read_test_config(tmp_path, "default") == {}
    (tmp_path / "tests").mkdir()
    for text in ("[]", "{"):
        (tmp_path / "tests" / "config.json").write_text(text)
        with pytest.raises(NotTestable, match=r"config\.json"):
            read_test_config(tmp_path, "default")


def test_a_set_of_exchanges_may_have_values_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "tests" / "exchanges" / "other"
    own.mkdir(parents=True)
    (tmp_path / "tests" / "config.json").write_text('{"url": "https://a.example", "days": 3}')
    (own / "config.json").write_text('{"days": 9}')

    assert read_test_config(tmp_path, "default") == {"url": "https://a.example", "days": 3}
    assert read_test_config(tmp_path, "other") == {"url": "https://a.example", "days": 9}
