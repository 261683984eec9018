import json
from pathlib import Path
from typing import Any

import pytest

CHECKS = [
    "python",
    "git",
    "uv",
    "isolation",
    "data directory",
    "source",
    "secrets",
    "worker",
    "API",
]
OF_API = ["API database", "API schema", "API storage", "API secrets", "API background"]


def test_doctor_is_fine_where_everything_runs(live: Any) -> None:
    ran = live("doctor", "--json")
    *names, worker = [check["name"] for check in ran.json["checks"]]
    assert names == CHECKS + OF_API
    assert worker.startswith("worker ")
    assert "last seen" in ran.json["checks"][-1]["detail"]
    assert {check["status"] for check in ran.json["checks"]} == {"ok"}
    assert ran.code == 0


def test_doctor_says_what_is_wrong_and_what_to_do(
    trueline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELINE_SOURCE_URL", "file:///nowhere/at/all")
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path))
    said = {"worker": "w1", "at": "2026-01-01T00:00:00+00:00", "jobs_running": 0, "commit": None}
    (tmp_path / "worker.json").write_text(json.dumps(said))
    ran = trueline("doctor")
    assert ran.code == 3
    assert "✗ source" in ran.out
    assert "✗ API" in ran.out
    assert "✗ worker" in ran.out
    assert ran.out.count("next") == 3
