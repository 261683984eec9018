from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from worker.execution import Prepared, ProcessExecutor


def test_description_lists_the_tasks(
    describer_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared]
) -> None:
    description = describer_with().describe(prepare("bad_start"))
    assert description.broken is None
    assert [task["name"] for task in description.tasks] == ["first", "second", "third", "judge"]


@pytest.mark.parametrize(
    ("integration", "reason"),
    [
        ("broken_syntax", "broken_syntax/entry.py"),
        ("absent", "there is no folder integrations/absent"),
        ("exits_at_import", "exited with code 4 before it had listed its tasks"),
        ("hangs_at_import", "it did not stop at its deadline of 0.3 s and was killed"),
    ],
)
def test_integration_that_cannot_be_loaded_is_broken_with_reason_and_advice(
    describer_with: Callable[..., ProcessExecutor],
    prepare: Callable[..., Prepared],
    nothing_left: Callable[[], None],
    integration: str,
    reason: str,
) -> None:
    description = describer_with(task_timeout_seconds=0.3).describe(prepare(integration))
    assert description.tasks == ()
    assert description.broken is not None
    assert reason in description.broken["reason"]
    assert description.broken["advice"]
    nothing_left()


def test_what_a_lost_child_printed_is_its_traceback(
    describer_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared]
) -> None:
    broken = describer_with().describe(prepare("exits_at_import")).broken
    assert broken is not None
    assert broken["traceback"] == "leaving \\x1b[1mnow\n"


def test_python_that_is_gone_is_named(
    describer_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared], tmp_path: Path
) -> None:
    prepared = prepare("bad_start")
    gone = replace(prepared.environment, python=tmp_path / "gone")
    broken = describer_with().describe(replace(prepared, environment=gone)).broken
    assert broken is not None
    assert str(tmp_path / "gone") in broken["reason"]
