"""Tests of the folder that a recording run fills."""

from pathlib import Path
from typing import Any

from cli.recordings import Recording
from utils.exchange_file import read_exchanges


def event(task: str, path: str) -> dict[str, Any]:
    return {
        "type": "exchange",
        "exchange": {
            "format": 1,
            "task": task,
            "request": {"method": "GET", "url": f"https://x{path}", "headers": {}, "body": None},
            "response": {"status": 200, "headers": {}, "body": None},
        },
    }


def names(folder: Path) -> list[tuple[str, str]]:
    return [(one.name, one.task) for one in read_exchanges(folder)]


def record(folder: Path, *events: dict[str, Any]) -> Recording:
    recording = Recording(folder)
    for one in events:
        recording.take(one)
    return recording


def test_exchanges_are_numbered_as_they_come(tmp_path: Path) -> None:
    record(tmp_path / "new", event("a", "/items"), event("b", "/users")).finish()

    assert names(tmp_path / "new") == [
        ("0001-GET-items.json", "a"),
        ("0002-GET-users.json", "b"),
    ]


def test_a_second_recording_replaces_those_of_its_tasks_alone(tmp_path: Path) -> None:
    record(tmp_path, event("a", "/items"), event("b", "/users")).finish()
    record(tmp_path, event("a", "/items")).finish()

    assert names(tmp_path) == [("0002-GET-users.json", "b"), ("0003-GET-items.json", "a")]


def test_a_run_that_is_killed_leaves_what_was_there(tmp_path: Path) -> None:
    record(tmp_path, event("a", "/items")).finish()
    record(tmp_path, event("a", "/items"))

    assert len(names(tmp_path)) == 2
