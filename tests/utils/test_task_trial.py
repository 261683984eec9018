"""Tests of a task that is run alone, in an integration as it lies on disk."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from utils.task_trial import integration_of_file

KIT = Path(__file__).parents[1] / "fixtures" / "kit"
REPOSITORY = Path(__file__).parents[2]
BY_NAME = """
from integrations.shop.entry import Runner
from utils.errors import AuthoringError
from utils.testing import run_task

run_task("sold_out", runner=Runner, config={"url": "u", "token": "t"},
         data={"list_items": {"items": []}}).assert_pass()
run_task("list_notes", runner=Runner).assert_skipped("StageOne did not succeed")
for wrong in ({"data": {"list_item": {}}}, {"failed": ["list_item"]}):
    try:
        run_task("sold_out", runner=Runner, **wrong)
    except AuthoringError as error:
        print(error.reason)
"""


@pytest.mark.parametrize(
    ("path", "integration"),
    [
        ("/a/integrations/shop/tests/test_x.py", "shop"),
        ("/integrations/b/integrations/shop/entry.py", "shop"),
        ("/a/integrations/test_x.py", None),
        ("/a/tests/test_x.py", None),
    ],
)
def test_a_file_belongs_to_the_integration_above_it(path: str, integration: str | None) -> None:
    assert integration_of_file(path) == integration


def test_tasks_of_an_integration_are_found_by_name_and_misspelt_ones_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BY_NAME],
        cwd=KIT,
        env={"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stderr == ""
    assert (
        done.stdout.splitlines()
        == ["no task is named 'list_item' (did you mean 'list_items'?)"] * 2
    )


def test_the_alarm_of_a_test_is_given_back() -> None:
    from tests.utils.test_testing import count  # noqa: PLC0415 - a task, not its tests
    from utils.testing import run_task  # noqa: PLC0415 - same

    before = signal.getsignal(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        run_task(count)
        left = signal.getitimer(signal.ITIMER_REAL)[0]
        assert 0 < left <= 1000
        assert signal.getsignal(signal.SIGALRM) is before
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
