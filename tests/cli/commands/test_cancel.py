from typing import Any


def test_a_running_job_is_cancelled(live: Any) -> None:
    live("deploy", "nap", "--name", "long", "--set", "seconds=100")
    job_id = live("scan", "long", "--json").json["job_id"]
    ran = live("cancel", job_id)
    assert ran.code == 0
    ended = live("job", job_id, "--follow", "--json")
    assert ended.code == 3
    assert ended.json["status"] == "cancelled"


def test_cancelling_what_has_ended_is_refused_or_says_so(live: Any) -> None:
    live("deploy", "nap", "--name", "over")
    job_id = live("scan", "over", "--json").json["job_id"]
    live("job", job_id, "--follow")
    ran = live("cancel", job_id)
    assert "success" in ran.out + ran.err
