from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def checkout(source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(source)
    return source


def test_run_needs_no_api_and_no_commit(checkout: Path, trueline: Any) -> None:
    entry = checkout / "integrations" / "nap" / "entry.py"
    text = entry.read_text()
    try:
        entry.write_text(text.replace('{"data": {}}', '{"data": {}, "message": "fresh"}'))
        ran = trueline("run", "nap")
    finally:
        entry.write_text(text)
    assert ran.code == 0
    assert "fresh" in ran.out
    assert "run: ✓ success" in ran.out


def test_violations_count_for_the_exit_code(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    assert trueline("run", "nap", "--set", "tired=true", "--fail-on", "high").code == 1
    assert trueline("run", "nap", "--set", "tired=true").code == 0


def test_an_integration_that_does_not_load_says_where(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    ran = trueline("run", "crooked")
    assert ran.code == 3
    assert "entry.py" in ran.out


def test_json_has_every_task(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    ran = trueline("run", "nap", "--set", "explode=true", "--json")
    assert ran.json["status"] == "partial"
    assert [task["status"] for task in ran.json["tasks"]] == ["success", "failed"]
    assert "the alarm did not ring" in ran.err


def test_a_config_that_does_not_fit_is_a_usage_error(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    ran = trueline("run", "nap", "--set", "seconds=long")
    assert ran.code == 2
    assert "/seconds" in ran.err
