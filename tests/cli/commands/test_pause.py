from typing import Any


def test_pause(live: Any) -> None:
    live("deploy", "nap", "--name", "switched-pause", "--schedule", "every 1h")
    live("pause", "switched-pause")
    ran = live("pause", "switched-pause")
    assert ran.code == 0
    assert "switched-pause is paused" in ran.out


def test_pause_of_an_unknown_deployment_is_a_usage_error(live: Any) -> None:
    ran = live("pause", "nobody")
    assert ran.code == 2
    assert "nobody" in ran.err


def test_json_is_the_deployment(live: Any) -> None:
    live("deploy", "nap", "--name", "told-off")
    assert live("pause", "told-off", "--json").json["state"] == "paused"
    assert live("resume", "told-off", "--json").json["state"] == "active"
