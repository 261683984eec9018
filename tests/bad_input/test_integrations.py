"""Integrations that cannot run: the error names the place and the fix, wherever one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bad_input.conftest import RunCommand, Scene

# Name of the folder: what its error names, and what its advice says.
LOADING = {
    "entry_syntax": ("entry_syntax/entry.py:4: SyntaxError: invalid syntax", "that line"),
    "entry_no_runner": (
        "entry_no_runner/entry.py has no class Runner (did you mean 'Runer'?)",
        "class Runner(BaseRunner)",
    ),
    "entry_wrong_base": (
        "entry_wrong_base/entry.py: Runner does not extend BaseRunner",
        "from utils.base_runner import BaseRunner",
    ),
    "entry_missing_package": (
        "entry_missing_package/entry.py:1: ModuleNotFoundError: No module named 'no_such_package",
        "to integrations/entry_missing_package/requirements.txt",
    ),
    "entry_other_name": (
        "entry_other_name/entry.py: Runner.name is 'something_else'",
        "leave Runner.name out",
    ),
    "entry_exits": ("entry_exits/entry.py:3: SystemExit: 0", "that line"),
    "entry_ends_process": (
        "'entry_ends_process': its child process: exited with code 7",
        "modules",
    ),
    "entry_long_error": (
        "entry_long_error/entry.py:1: ValueError: too much to say",
        "what that line runs at import",
    ),
    "task_duplicate": (
        "task_duplicate/collectors/look.py:4 and integrations/task_duplicate/collectors/other.py:4",
        "another name",
    ),
    "task_unknown_type": (
        (
            "task_unknown_type/collectors/look.py:4: task 'look': unknown type 'colector' "
            "(did you mean 'collector'?)"
        ),
        "collector, insight, reconciler",
    ),
    "task_collector_severity": (
        "task_collector_severity/collectors/look.py:4: task 'look': severity is for insights",
        "remove severity",
    ),
    "task_unknown_severity": (
        (
            "task_unknown_severity/insights/look.py:4: task 'look': unknown severity 'hihg' "
            "(did you mean 'high'?)"
        ),
        "low, medium, high, critical",
    ),
    "task_wrong_signature": (
        "task_wrong_signature/collectors/look.py:4: task 'look': look(ctx) cannot be called",
        "def look(self, ctx):",
    ),
    "task_depends_on_unknown": (
        (
            "task_depends_on_unknown/insights/judge.py:4: task 'judge' depends on 'lok', "
            "which no task is named (did you mean 'look'?)"
        ),
        "depends_on",
    ),
    "task_depends_on_later": (
        (
            "task_depends_on_later/collectors/look.py:4: task 'look' depends on 'judge', "
            "which runs later"
        ),
        "remove it from depends_on",
    ),
    "task_none": ("integrations/task_none has no task", "integrations/task_none/collectors/"),
}
HANGS = {
    "entry_hangs": (
        "importing integrations/entry_hangs took longer than 3 s and was stopped",
        "it stood at integrations/entry_hangs/entry.py:3",
    )
}
REQUIREMENTS = {
    "requirement_unreadable": (
        "'requirement_unreadable': requirements.txt line 2: '!!! not a requirement' is not a",
        "name==1.2.3",
    ),
    "requirement_unknown": (
        "'requirement_unknown': requirements.txt line 2: the index has no 'no-such-package",
        "correct the name or the version",
    ),
    "requirement_no_version": (
        "'requirement_no_version': requirements.txt line 1: the index has no 'idna==9999.0'",
        "correct the name or the version",
    ),
    "requirement_against_base": (
        "line 2: 'pydantic==1.10.0' contradicts the base requirement 'pydantic<3,>=2.9'",
        "ask for a version within",
    ),
    "requirement_conflict": (
        "line 2: 'httpcore==0.18.0' cannot be installed together with the other requirements",
        "loosen one of the requirements",
    ),
    "requirement_option": ("line 2: option --index-url is not allowed here", "UV_DEFAULT_INDEX"),
    "requirement_address": (
        "line 1: 'mylib @ https://packages.invalid/mylib-1.0-py3-none-any.whl' is an address",
        "name a package and its version",
    ),
}
BROKEN = LOADING | HANGS | REQUIREMENTS


@pytest.mark.parametrize("name", BROKEN)
def test_broken_integration_names_place_and_fix_in_the_api_and_in_the_log(
    scene: Scene, name: str
) -> None:
    reason, advice = BROKEN[name]
    shown = scene.integration(name)

    assert (shown["state"], shown["enabled"], shown["tasks"]) == ("broken", True, [])
    assert reason in shown["problem"]["reason"]
    assert advice in shown["problem"]["advice"]
    line = scene.logged("integration broken", integration=name) or scene.logged(
        "environment broken", integration=name
    )
    assert line is not None
    assert {key: line[key] for key in ("reason", "advice", "level")} == {
        **shown["problem"],
        "level": "warning",
    }


def test_command_lists_what_is_broken_beside_what_is_ready(
    scene: Scene, trueline: RunCommand
) -> None:
    ran = trueline("integrations")

    assert ran.code == 0
    for name, (reason, advice) in BROKEN.items():
        assert f"{name} ✗ broken" in ran.said
        assert reason in ran.said
        assert advice in ran.said
    for name in ("good", "strict", "entry_prints_much"):
        assert f"{name} ✓ ready" in ran.said
    scene.check_good()


def test_job_of_what_is_broken_fails_with_the_same_words(
    scene: Scene, trueline: RunCommand
) -> None:
    name = "task_unknown_type"
    reason, advice = BROKEN[name]
    made = trueline("deploy", name)
    assert made.code == 0
    assert f"note {name} is broken: it cannot run yet why integrations/{reason}" in made.said

    ran = trueline("scan", name, "--wait")

    assert ran.code == 3
    assert f"integration '{name}' is broken: integrations/{reason}" in ran.said
    assert advice in ran.said
    (job,) = scene.get("/jobs", deployment=name)["items"]
    assert job["status"] == "failed"
    assert reason in job["error"]["reason"]
    assert advice in job["error"]["advice"]
    logged = scene.logged("job failed", **job["error"])
    assert logged is not None
    assert trueline("job", job["id"]).code == 3
    scene.check_good()


@pytest.mark.parametrize("name", LOADING | REQUIREMENTS)
def test_run_from_a_checkout_says_the_same_before_anything_is_pushed(
    trueline: RunCommand, name: str
) -> None:
    reason, advice = BROKEN[name]

    ran = trueline("run", name)

    assert ran.code == 3
    assert reason in ran.said
    assert advice in ran.said


def test_what_the_tools_and_the_modules_printed_stands_in_the_log(scene: Scene) -> None:
    build = scene.logged("environment broken", integration="requirement_conflict")
    died = scene.logged("integration broken", integration="entry_ends_process")
    missing = scene.logged("integration broken", integration="entry_missing_package")

    assert build is not None
    assert died is not None
    assert missing is not None
    assert "httpcore" in build["output"]
    assert died["output"] == "no licence here\n"
    assert "import no_such_package_of_anyone" in missing["output"]


def test_no_secret_of_a_requirement_is_told_anywhere(scene: Scene, trueline: RunCommand) -> None:
    for name in ("requirement_option", "requirement_address"):
        assert "hunter2" not in str(scene.integration(name))
        assert "hunter2" not in trueline("run", name).said
    assert "hunter2" not in str(scene.log)


def test_import_that_prints_much_works_and_what_it_prints_is_bounded(scene: Scene) -> None:
    for _ in range(2):  # the second is forked from the process that printed
        job = scene.scan("entry_prints_much")

        assert job["status"] == "success"
        events = scene.ask("GET", f"/api/v1/jobs/{job['id']}/events").text
        assert "xxxxx" in events
        assert "output cut at" in events
        assert len(events) < 2 * 1024 * 1024


def test_a_retried_build_does_not_look_at_the_other_broken_ones_again(scene: Scene) -> None:
    told = [
        line["integration"]
        for line in list(scene.log)
        if line.get("event") == "integration broken" and line["integration"] in LOADING
    ]
    commits = [line for line in list(scene.log) if line.get("event") == "commit taken"]
    assert told.count("entry_syntax") <= len(commits)
