import doctest
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import utils.base_runner
import utils.task_context
from utils.base_runner import BaseRunner, TaskContext
from utils.loader import load_runner, open_snapshot
from utils.task_registry import registered_tasks

LIST_ITEMS = """\
from utils.decorators import task


@task(name="list_items", title="List the items")
def list_items(self, ctx):
    return {"data": {"items": []}}
"""


def test_plugins_find_task_context_here() -> None:
    assert TaskContext is utils.task_context.TaskContext


def test_stages_know_their_config_and_start_with_nothing() -> None:
    stage = BaseRunner.StageOne({"a": 1})
    assert stage.start() == {}
    assert stage.config == {"a": 1}
    stage.add_log("hello")
    assert stage.lines.kept() == ("hello",)
    assert BaseRunner.StageTwo({"a": 1}).source == {}


@pytest.mark.usefixtures("isolated_imports")
def test_a_runner_registers_by_being_made(
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    open_snapshot(str(write_snapshot({"collectors/a.py": LIST_ITEMS})))
    runner = load_runner("sample")
    config: dict[str, Any] = {}
    assert runner(config).config is config
    assert config == {"integration_name": "sample"}
    assert [task.spec.name for task in registered_tasks(runner)] == ["list_items"]


def test_the_documented_example_parses() -> None:
    assert doctest.testmod(utils.base_runner).failed == 0
