import sys
from collections.abc import Callable, Mapping
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import pytest

from utils.base_runner import BaseRunner
from utils.errors import AuthoringError
from utils.loader import load_runner, open_snapshot
from utils.task_registry import register_tasks, registered_tasks

BAD_TASKS = {
    "no_tasks": ["integrations/no_tasks has no task", "add a function with @task"],
    "duplicate_names": [
        "two tasks are named 'list_items'",
        "integrations/duplicate_names/collectors/a.py:4",
        "integrations/duplicate_names/collectors/b.py:5",
    ],
    "unknown_type": ["collectors/a.py:4: task 'list_items'", "did you mean 'collector'?"],
    "severity_on_collector": ["a.py:4: task 'list_items': severity is for insights", "remove"],
    "unknown_severity": ["unknown severity 'hihg'", "did you mean 'high'?"],
    "unknown_argument": ["unknown argument 'ordre'", "did you mean 'order'?"],
    "wrong_signature": ["list_items(ctx) cannot be called", "write `def list_items(self, ctx):`"],
    "bare_decorator": ["a.py:4", '@task(name="...", title="...")'],
    "no_title": ["title is ''", 'title="What it does"'],
    "bad_task_name": ["name is 'list items'", 'name="list_items"'],
    "bad_order": ["order is 'first'", "whole number"],
    "depends_on_text": ["depends_on is the text 'other'", 'depends_on=("other",)'],
    "depends_on_unknown": ["insights/b.py:4", "'list_itmes'", "did you mean 'list_items'?"],
    "depends_on_later": ["runs later (insight, order 500)", "collector runs before every insight"],
    "depends_on_later_order": ["runs later (collector, order 200)", "a higher order"],
    "depends_on_itself": ["depends on 'list_items', itself"],
    "task_syntax": ["integrations/task_syntax/insights/b.py:1: SyntaxError", "correct the syntax"],
    "task_import_error": ["collectors/b.py:1: ModuleNotFoundError", "add the missing file"],
    "task_raises_at_import": ["insights/b.py:2: KeyError: 'smallest'", "at import"],
    "dots_in_file_name": ["collectors/a.v2.py", "rename it to a_v2.py"],
}


@pytest.mark.parametrize("integration", BAD_TASKS)
def test_a_bad_task_breaks_its_integration_with_place_and_fix(
    integration: str, run_child: Callable[..., Any]
) -> None:
    child = run_child(integration, mode="describe")
    told = f"{child.error['reason']}; {child.error['advice']}"
    assert [part for part in BAD_TASKS[integration] if part not in told] == [], told
    assert child.code == 0


def test_a_failed_import_shows_the_plugins_own_frames(run_child: Callable[..., Any]) -> None:
    trace = run_child("task_raises_at_import").error["traceback"]
    assert "SMALLEST = LIMITS['smallest']" in trace
    assert "task_registry.py" not in trace
    assert "importlib" not in trace


def test_tasks_run_by_phase_then_order_then_name(run_child: Callable[..., Any]) -> None:
    described = run_child("ordered", mode="describe")
    assert described.planned == [
        "a_collector",
        "b_collector",
        "switched_off",
        "late_collector",
        "early_insight",
        "last_insight",
        "put_right",
    ]
    assert [task["order"] for task in described.events[0]["tasks"]] == [
        100, 100, 100, 950, 1, 900, 900,
    ]  # fmt: skip


def test_shadowed_borrowed_and_entry_tasks_each_count_once(run_child: Callable[..., Any]) -> None:
    child = run_child("shadowed")
    assert sorted(child.planned) == ["first", "in_entry", "second", "third"]
    assert child.results["first"]["data"] == ["first"]
    assert child.results["third"]["data"] == ["second"]


@pytest.mark.usefixtures("isolated_imports")
def test_registering_again_changes_nothing(
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    open_snapshot(str(write_snapshot({"collectors/a.py": LIST_ITEMS})))
    runner = load_runner("sample")
    before = registered_tasks(runner)
    register_tasks(runner)
    runner({})
    assert registered_tasks(runner) is before
    assert [task.spec.name for task in before] == ["list_items"]


@pytest.mark.usefixtures("isolated_imports")
def test_an_error_leaves_the_registry_empty_and_the_fix_fills_it(
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    snapshot = write_snapshot({"collectors/a.py": LIST_ITEMS, "collectors/b.py": "1 / 0\n"})
    open_snapshot(str(snapshot))
    for _ in range(2):
        with pytest.raises(AuthoringError, match=r"b\.py:1: ZeroDivisionError"):
            load_runner("sample")
        runner = sys.modules["integrations.sample.entry"].Runner
        assert registered_tasks(runner) == ()
    (snapshot / "integrations/sample/collectors/b.py").write_text("x = 1\n")
    assert [task.spec.name for task in registered_tasks(load_runner("sample"))] == ["list_items"]


@pytest.mark.usefixtures("isolated_imports")
def test_each_runner_class_has_a_registry_of_its_own(
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    snapshot = write_snapshot({"collectors/a.py": LIST_ITEMS})
    open_snapshot(str(snapshot))
    runner = load_runner("sample")
    derived = type("Derived", (runner,), {"__module__": runner.__module__})
    assert registered_tasks(derived) == ()
    register_tasks(derived)
    assert len(registered_tasks(derived)) == 1
    assert registered_tasks(BaseRunner) == ()
    assert not hasattr(BaseRunner.StageTwo, "list_items")


@pytest.mark.usefixtures("isolated_imports")
def test_a_reloaded_module_gives_no_duplicates(
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    snapshot = write_snapshot({"collectors/a.py": LIST_ITEMS})
    open_snapshot(str(snapshot))
    import_module("integrations.sample.entry")
    module = import_module("integrations.sample.collectors.a")
    moved = LIST_ITEMS.replace("@task", "# a line more\n@task")
    (snapshot / "integrations/sample/collectors/a.py").write_text(moved)
    reload(module)
    tasks = registered_tasks(load_runner("sample"))
    assert [(task.spec.name, task.line) for task in tasks] == [("list_items", 5)]


@pytest.mark.usefixtures("isolated_imports")
def test_a_module_beside_the_folders_counts_too(
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    factory = """\
from utils.decorators import task


def made(name):
    @task(name=name, title=name)
    def run(self, ctx):
        return {"data": []}
"""
    files = {
        "shared.py": factory,
        "collectors.py": "from .shared import made\n\nmade('one')\nmade('two')\n",
    }
    open_snapshot(str(write_snapshot(files)))
    tasks = registered_tasks(load_runner("sample"))
    assert [task.spec.name for task in tasks] == ["one", "two"]


def test_more_tasks_than_a_plan_holds_are_refused(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    many = LIST_ITEMS.replace('name="list_items"', 'name=f"task_{number}"').replace("\n", "\n    ")
    snapshot = write_snapshot(
        {"collectors/a.py": f"for number in range(1001):\n    {many.rstrip()}\n"}
    )
    assert "has 1,001 tasks, more than 1,000" in run_child("sample", snapshot).error["reason"]


def test_a_runner_outside_integrations_is_told_where_to_be() -> None:
    with pytest.raises(AuthoringError, match="outside integrations/"):
        register_tasks(type("Runner", (BaseRunner,), {}))


LIST_ITEMS = """\
from utils.decorators import task


@task(name="list_items", title="List the items")
def list_items(self, ctx):
    return {"data": {"items": []}}
"""
