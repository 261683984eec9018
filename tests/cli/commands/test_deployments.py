from typing import Any


def test_deployments_show_state_and_schedule(live: Any) -> None:
    live("deploy", "nap", "--name", "listed", "--schedule", "0 7 * * *", "--timezone", "Asia/Tokyo")
    ran = live("deployments")
    assert ran.code == 0
    assert "listed" in ran.out
    assert "0 7 * * * (Asia/Tokyo)" in ran.out
