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
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "config.json").write_text("{}")  # of the set: no exchange
    record(tmp_path / "new", event("a", "/items"), event("b", "/users")).finish()

    assert names(tmp_path / "new") == [
        ("0001-GET-items.json", "a"),
        ("0002-GET-users.json", "b"),
    ]


def test_a_second_recording_replaces_those_of_its_tasks_alone(tmp_path: Path) -> None:
    record(tmp_path, event("a", "/items"), event("b", "/users")).finish()
    record(tmp_path, event("a", "/items")).finish()

    assert names(tmp_path) == [("0002-GET-users.json", "b"), ("0003-GET-items.json", "a")]


def test_loopback_is_written_down_under_the_real_name_wherever_it_stands(tmp_path: Path) -> None:
    one = event("a", "/items")
    one["exchange"]["request"]["url"] = "http://127.0.0.1:8400/items?page=1"
    one["exchange"]["response"] |= {
        "headers": {"link": '<http://localhost:8400/items?page=2>; rel="next"'},
        "body": {"json": [{"self": "http://[::1]", "other": "http://localhost.example/1"}]},
    }
    recording = Recording(tmp_path, "https://api.example/v1")
    recording.take(one)

    (kept,) = read_exchanges(tmp_path)
    assert kept.url == "https://api.example/v1/items?page=1"
    assert kept.headers["link"] == '<https://api.example/v1/items?page=2>; rel="next"'
    assert kept.body == {
        "json": [{"self": "https://api.example/v1", "other": "http://localhost.example/1"}]
    }


def test_a_run_that_is_killed_leaves_what_was_there(tmp_path: Path) -> None:
    record(tmp_path, event("a", "/items")).finish()
    record(tmp_path, event("a", "/items"))

    assert len(names(tmp_path)) == 2
