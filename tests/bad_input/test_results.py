"""What tasks must not return: the task fails, its error leads to the value, the others run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bad_input.conftest import RunCommand, Scene

NAME = "bad_results"
# Name of the task: what its error names, and what it advises.
COLLECTED = {
    "not_a_number": ("data.items[0].score: nan is no JSON number", "return None"),
    "raw_bytes": ("data.items[0].body: bytes cannot be JSON", "base64"),
    "cycle": ("data.self: it contains itself", "return a copy"),
    "nul": ("data.lines[0]: text with a NUL character", "replace"),
    "surrogate": ("data.lines[0]: text with a lone surrogate", "encode"),
    "hundred_megabytes": (
        "data: 100,000,011 bytes as JSON, more than the limit of 1,000,000",
        "less",
    ),
    "hundred_thousand_levels": ("nested deeper than 100 levels", "flatter"),
    "over_the_limit": (
        "data: 2,006,010 bytes as JSON, more than the limit of 1,000,000 bytes",
        "TRUELINE_RESULT_LIMIT_BYTES",
    ),
    "nothing": ("got None; did the function forget to return?", 'return {"data": {...}'),
    "a_list": ('expected a dict with "data", got list', 'return {"data": {...}'),
    "a_text": ('expected a dict with "data", got str', 'return {"data": {...}'),
    "no_data": ('the key "data" is missing', 'under "data"'),
    "data_is_text": ("data: expected a dict or a list, got str", "wrap it"),
    "misspelt_key": ("unknown key 'mesage' (did you mean 'message'?)", "data, message"),
    "collector_with_violation": ("a collector returned the key 'violation'", 'type="insight"'),
    "message_is_number": ("message: expected text, got int", "give a str"),
    "an_object": ("data.client: an object of type object cannot be JSON", "as a dict"),
}
JUDGED = {
    "violation_is_text": ("violation: expected True or False, got str", "bool(...)"),
    "resources_is_dict": ("resources: expected a list of dicts, got dict", '"resources": [{"id"'),
    "resource_is_text": ("resources[0]: expected a dict, got str", '{"id": "..."'),
    "resource_without_id": ("resources[0].id: expected text, got None", "names this resource"),
    "resource_unknown_key": ("resources[0]: unknown key 'levle'", "a resource has the keys id,"),
    "resource_severity": (
        "resources[0].severity: unknown severity 'hihg' (did you mean 'high'?)",
        "low, medium, high, critical",
    ),
    "resource_twice": ("resources[2].id: the same id 'a' as resources[0]", "an id of its own"),
    "resources_without_violation": (
        "violation: it is False, and there are 1 resources in violation",
        'leave "violation" out',
    ),
}
BAD = COLLECTED | JUDGED


@pytest.fixture(scope="package")
def results(scene: Scene) -> dict[str, dict[str, Any]]:
    """Return the results of one job, by the names of its tasks."""
    job = scene.scan(NAME)
    assert job["status"] == "partial"
    assert job["isolation"].startswith("sandbox")
    assert job["summary"]["tasks"] == {"success": 1, "failed": 25, "skipped": 0, "timeout": 0}
    rows = scene.get(f"/jobs/{job['id']}/tasks")["items"]
    return {row["name"]: row for row in rows}


@pytest.mark.parametrize("task", BAD)
def test_bad_result_fails_its_task_and_leads_to_the_value(
    results: dict[str, dict[str, Any]], task: str
) -> None:
    reason, advice = BAD[task]
    row = results[task]

    assert (row["status"], row["data"], row["resources"]) == ("failed", None, None)
    assert row["reason"].startswith("invalid result: ")
    assert reason in row["reason"]
    (error,) = row["errors"]
    assert reason in error
    assert advice in error
    assert len(error) < 1_000
    assert row["verdict"] == ("unknown" if task in JUDGED else None)


def test_tasks_after_bad_ones_run_and_nothing_false_is_recorded(
    scene: Scene, results: dict[str, dict[str, Any]]
) -> None:
    assert set(results) == {*BAD, "after_all"}
    assert results["after_all"]["data"] == {"ran": True}
    assert scene.get("/violations", integration=NAME)["items"] == []
    scene.check_good()


def test_scan_tells_what_failed_and_where_the_advice_stands(
    scene: Scene, trueline: RunCommand
) -> None:
    scene.deploy(NAME)

    said = trueline("scan", NAME, "--wait").said

    job = scene.get("/jobs", deployment=NAME, limit=1)["items"][0]
    assert "partial" in said
    assert "invalid result: data.items[0].score: nan is no JSON number" in said
    assert f"trueline job {job['id']}" in said
    _check_advice(trueline("job", job["id"]).said)


def test_run_outside_of_a_sandbox_tells_the_same(
    trueline: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELINE_ISOLATION", "process")
    said = trueline("run", NAME).said

    assert "partial" in said
    _check_advice(said)


def _check_advice(said: str) -> None:
    for reason, advice in BAD.values():
        assert reason in said
        assert advice in said
