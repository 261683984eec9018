from typing import Any


def test_following_a_job_prints_each_task_once_and_how_it_ended(live: Any) -> None:
    live("deploy", "nap", "--name", "followed")
    job_id = live("scan", "followed", "--json").json["job_id"]
    ran = live("job", job_id, "--follow")
    assert ran.code == 0
    assert ran.out.count("well_rested") == 1
    assert f"job {job_id} of followed: ✓ success" in ran.out


def test_a_task_that_raised_shows_its_error(live: Any) -> None:
    live("deploy", "nap", "--name", "raises", "--set", "explode=true")
    job_id = live("scan", "raises", "--json").json["job_id"]
    ran = live("job", job_id, "--follow")
    assert "~ partial" in ran.out
    shown = live("job", job_id)
    assert "the alarm did not ring" in shown.out
    assert "? unknown  well_rested" in shown.out


def test_json_holds_the_tasks(live: Any) -> None:
    live("deploy", "nap", "--name", "told")
    job_id = live("scan", "told", "--json").json["job_id"]
    job = live("job", job_id, "--follow", "--json").json
    assert job["status"] == "success"
    assert [task["name"] for task in job["tasks"]] == ["nap", "well_rested"]


def test_an_unknown_job_is_a_usage_error(live: Any) -> None:
    assert live("job", "nope").code == 2
    assert live("job", "nope", "--follow").code == 2
