from typing import Any


def test_deploy_creates_then_updates(live: Any) -> None:
    first = live("deploy", "nap", "--name", "twice", "--set", "tired=true", "--json")
    assert first.code == 0
    again = live("deploy", "nap", "--name", "twice", "--schedule", "every 15m", "--json")
    assert again.json["id"] == first.json["id"]
    assert again.json["config"] == {"tired": True}
    assert again.json["schedule"] == "every 15m"
    assert again.json["next_due_at"]
    off = live("deploy", "nap", "--name", "twice", "--schedule", "none", "--json")
    assert off.json["schedule"] is None


def test_deploy_says_how_to_run_it(live: Any) -> None:
    ran = live("deploy", "nap", "--name", "spoken")
    assert "created spoken" in ran.out
    assert "trueline scan spoken --wait" in ran.out


def test_a_secret_is_not_shown_again(live: Any) -> None:
    ran = live("deploy", "nap", "--name", "sealed", "--set", "token=hunter2-hunter2", "--json")
    assert ran.json["config"]["token"] == "********"
    assert "hunter2" not in live("deployments", "--json").out


def test_a_bad_config_names_the_place(live: Any) -> None:
    ran = live("deploy", "nap", "--name", "bad", "--set", "seconds=long")
    assert ran.code == 2
    assert "/config/seconds" in ran.err


def test_a_bad_schedule_names_what_is_wrong(live: Any) -> None:
    ran = live("deploy", "nap", "--name", "bad", "--schedule", "61 * * * *")
    assert ran.code == 2
    assert "61" in ran.err


def test_an_unknown_integration_gets_a_suggestion(live: Any) -> None:
    ran = live("deploy", "naap")
    assert ran.code == 2
    assert "nap" in ran.err


def test_a_name_in_use_by_another_integration_is_refused(live: Any) -> None:
    live("deploy", "nap", "--name", "mine")
    ran = live("deploy", "hello_world", "--name", "mine")
    assert ran.code == 2
    assert "another --name" in ran.err
