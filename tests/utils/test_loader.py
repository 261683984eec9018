from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

BAD_ENTRIES = {
    "nowhere": ["no folder integrations/nowhere", "integrations.json"],
    "without_entry": ["integrations/without_entry/entry.py is missing", "class Runner"],
    "entry_syntax": ["integrations/entry_syntax/entry.py:4: SyntaxError", "correct the syntax"],
    "no_runner": ["entry.py has no class Runner", "did you mean 'Runer'?"],
    "wrong_base": ["Runner does not extend BaseRunner", "class Runner(BaseRunner)"],
    "missing_package": [
        "integrations/missing_package/entry.py:1: ModuleNotFoundError",
        "'no_such_package' to integrations/missing_package/requirements.txt",
    ],
    "wrong_name": ["Runner.name is 'another_name'", "'wrong_name'", "make the three names"],
    "borrowed_runner": ["Runner comes from integrations.bare_runner.entry", "declare one here"],
    "entry_exits": ["integrations/entry_exits/entry.py:3: SystemExit: 0"],
    "stage_without_base": [
        "Runner.StageOne does not extend",
        "class StageOne(BaseRunner.StageOne)",
    ],
}


ENTRY = """\
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    name = "sample"

    parallel_tasks: int = {}
"""


@pytest.mark.parametrize("mode", ["run", "describe"])
@pytest.mark.parametrize("integration", BAD_ENTRIES)
def test_a_bad_entry_breaks_its_integration_with_place_and_fix(
    integration: str, mode: str, run_child: Callable[..., Any]
) -> None:
    child = run_child(integration, mode=mode)
    told = f"{child.error['reason']}; {child.error['advice']}"
    assert [part for part in BAD_ENTRIES[integration] if part not in told] == [], told
    assert child.code == 0


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("'8'", "'8'"),
        ("0", "0"),
        ("33", "33"),
        ("-1", "-1"),
        ("True", "True"),
        ("2.0", "2.0"),
        ("None", "None"),
        ("10 ** 5000", "a number of 16,610 bits"),
        ("property(lambda self: 8)", "property"),
        ("'x' * 1000", f"'{'x' * 79}"),
    ],
)
def test_a_wrong_number_of_parallel_tasks_breaks_with_place_and_fix(
    written: str,
    shown: str,
    run_child: Callable[..., Any],
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    snapshot = write_snapshot({"entry.py": ENTRY.format(written), "collectors/a.py": READS_JSON})
    error = run_child("sample", snapshot).error
    assert error["reason"] == (f"integrations/sample/entry.py:7: Runner.parallel_tasks is {shown}")
    assert "a whole number from 1 to 32, such as parallel_tasks = 8" in error["advice"]


@pytest.mark.parametrize("written", ["1", "32"])
def test_the_plan_says_how_many_tasks_run_at_once(
    written: str,
    run_child: Callable[..., Any],
    write_snapshot: Callable[[Mapping[str, str]], Path],
) -> None:
    files = {
        "entry.py": ENTRY.format(written),
        "collectors/a.py": READS_JSON,
        "../../shared_by_all.py": "VALUE = 7",
    }
    child = run_child("sample", write_snapshot(files), mode="describe")
    assert child.only("plan")["parallel_tasks"] == int(written)


def test_a_plugins_files_shadow_neither_the_sdk_nor_the_standard_library(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    snapshot = write_snapshot({"collectors/a.py": READS_JSON})
    for name in ("json.py", "statistics.py", "utils/__init__.py", "utils/decorators.py"):
        (snapshot / name).parent.mkdir(exist_ok=True)
        (snapshot / name).write_text("raise RuntimeError('shadowed')\n")
    (snapshot / "shared_by_all.py").write_text("VALUE = 7\n")
    child = run_child("sample", snapshot)
    assert child.results["read"]["data"] == [7, "/statistics.py"]


def test_loading_writes_nothing_into_the_snapshot(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    snapshot = write_snapshot({"collectors/a.py": READS_JSON})
    (snapshot / "shared_by_all.py").write_text("VALUE = 7\n")
    before = sorted(snapshot.rglob("*"))
    assert run_child("sample", snapshot).code == 0
    assert sorted(snapshot.rglob("*")) == before


def test_an_import_that_never_ends_is_stopped(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    snapshot = write_snapshot({"collectors/a.py": "while True:\n    pass\n"})
    error = run_child("sample", snapshot, task_timeout_seconds=0.5).error
    assert "importing integrations/sample took longer than 0.5 s" in error["reason"]
    assert "integrations/sample/collectors/a.py" in error["traceback"]


READS_JSON = """\
import json
import statistics

import shared_by_all
from utils.decorators import task


@task(name="read", title="Read")
def read(self, ctx):
    return {"data": [json.loads(str(shared_by_all.VALUE)), statistics.__file__[-14:]]}
"""
