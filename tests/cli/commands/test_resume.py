from typing import Any


def test_resume(live: Any) -> None:
    live("deploy", "nap", "--name", "switched-resume", "--schedule", "every 1h")
    live("pause", "switched-resume")
    ran = live("resume", "switched-resume")
    assert ran.code == 0
    assert "switched-resume is active" in ran.out


def test_resume_of_an_unknown_deployment_is_a_usage_error(live: Any) -> None:
    ran = live("resume", "nobody")
    assert ran.code == 2
    assert "nobody" in ran.err
