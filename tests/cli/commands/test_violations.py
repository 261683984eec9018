from typing import Any


def test_violations_are_filtered_and_counted_for_the_exit_code(live: Any) -> None:
    live("deploy", "nap", "--name", "sleepless", "--set", "tired=true")
    live("scan", "sleepless", "--wait")
    rows = live("violations", "--deployment", "sleepless", "--json").json
    assert [row["task"] for row in rows] == ["well_rested"]
    assert live("violations", "--deployment", "sleepless", "--fail-on", "high").code == 1
    assert live("violations", "--deployment", "sleepless", "--fail-on", "critical").code == 0
    assert live("violations", "--deployment", "sleepless", "--severity", "low").out == (
        "no open violations\n"
    )
    assert (
        live("violations", "--deployment", "sleepless", "--status", "resolved", "--json").json == []
    )
    assert len(live("violations", "--status", "all", "--integration", "nap", "--json").json) >= 1


def test_a_severity_that_does_not_exist_is_a_usage_error(live: Any) -> None:
    assert live("violations", "--severity", "huge").code == 2
