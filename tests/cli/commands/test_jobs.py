from typing import Any


def test_jobs_of_a_deployment_newest_first(live: Any) -> None:
    live("deploy", "nap", "--name", "busy")
    started = [live("scan", "busy", "--json").json["job_id"] for _ in range(3)]
    rows = live("jobs", "--deployment", "busy", "--json").json
    assert [row["id"] for row in rows] == started[::-1]
    assert len(live("jobs", "--deployment", "busy", "--limit", "2", "--json").json) == 2
    assert "busy" in live("jobs").out


def test_no_jobs_says_how_to_get_one(live: Any) -> None:
    live("deploy", "nap", "--name", "idle")
    assert "trueline scan" in live("jobs", "--deployment", "idle").out
