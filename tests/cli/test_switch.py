from typing import Any


def test_a_paused_deployment_is_not_due_and_cannot_be_scanned_until_it_is_resumed(
    live: Any,
) -> None:
    live("deploy", "nap", "--name", "switched", "--schedule", "every 1h")
    assert "next due" not in live("pause", "switched").out
    refused = live("scan", "switched")
    assert refused.code == 2
    assert "paused" in refused.err
    assert "next due" in live("resume", "switched").out
    assert live("scan", "switched").code == 0
