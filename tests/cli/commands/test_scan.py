from typing import Any


def test_scan_returns_at_once_with_the_job(live: Any) -> None:
    live("deploy", "nap", "--name", "quick")
    ran = live("scan", "quick")
    assert ran.code == 0
    assert "--follow" in ran.out
    assert live("scan", "quick", "--json").json["status"] == "pending"


def test_waiting_shows_tasks_verdicts_and_violations(live: Any) -> None:
    live("deploy", "nap", "--name", "weary", "--set", "tired=true")
    ran = live("scan", "weary", "--wait")
    assert ran.code == 0
    assert "✓ success  nap" in ran.out
    assert "✗ fail     well_rested" in ran.out
    assert "1 open violation" in ran.out
    assert live("scan", "weary", "--fail-on", "critical").code == 0
    assert live("scan", "weary", "--fail-on", "high").code == 1


def test_a_fixed_deployment_closes_its_violation(live: Any) -> None:
    live("deploy", "nap", "--name", "mended", "--set", "tired=true")
    assert live("scan", "mended", "--fail-on", "low").code == 1
    live("deploy", "nap", "--name", "mended", "--set", "tired=false")
    ran = live("scan", "mended", "--fail-on", "low")
    assert ran.code == 0
    assert "no open violations" in ran.out


def test_a_broken_integration_fails_with_its_reason(live: Any) -> None:
    live("deploy", "crooked")
    ran = live("scan", "crooked", "--wait")
    assert ran.code == 3
    assert "entry.py" in ran.out
    assert "next" in ran.out


def test_an_unknown_deployment_is_a_usage_error(live: Any) -> None:
    ran = live("scan", "nobody")
    assert ran.code == 2
    assert "nobody" in ran.err
    assert "next:" in ran.err
