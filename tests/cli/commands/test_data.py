import json
from pathlib import Path
from typing import Any


def ended_job(live: Any, deployment: str) -> str:
    job_id = str(live("scan", deployment, "--json").json["job_id"])
    assert live("job", job_id, "--follow").code == 0
    return job_id


def test_data_of_a_task_is_written_to_a_file_or_to_standard_output(
    live: Any, tmp_path: Path
) -> None:
    live("deploy", "nap", "--name", "small")
    job_id = ended_job(live, "small")
    assert live("data", job_id, "nap").json == {}
    assert live("data", job_id, "nap", "-o", str(tmp_path / "nap.json")).out == ""
    assert json.loads((tmp_path / "nap.json").read_text()) == {}


def test_large_data_is_shown_by_its_size_and_downloaded(live: Any, tmp_path: Path) -> None:
    live("deploy", "nap", "--name", "large", "--set", "rows=50000")
    job_id = ended_job(live, "large")
    shown = live("job", job_id)
    assert f"trueline data {job_id} nap" in shown.out
    assert "kB" in shown.out or "MB" in shown.out
    file = tmp_path / "nap.json"
    assert live("data", job_id, "nap", "--output", str(file)).code == 0
    assert json.loads(file.read_text()) == {"rows": list(range(50_000))}


def test_an_unknown_task_leaves_an_older_file_alone(live: Any, tmp_path: Path) -> None:
    live("deploy", "nap", "--name", "unknown")
    job_id = ended_job(live, "unknown")
    file = tmp_path / "kept.json"
    file.write_text("old")
    ran = live("data", job_id, "none", "-o", str(file))
    assert ran.code == 2
    assert "no result of a task 'none'" in ran.err
    assert file.read_text() == "old"
