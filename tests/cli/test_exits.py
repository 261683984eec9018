import pytest

from cli.exits import Exit, exit_for_run, exit_for_violations

ROWS = [
    {"severity": "high", "status": "open"},
    {"severity": "critical", "status": "muted"},
    {"severity": "critical", "status": "resolved"},
]


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [
        (None, Exit.FINE),
        ("low", Exit.VIOLATIONS),
        ("high", Exit.VIOLATIONS),
        ("critical", Exit.FINE),  # the critical ones are not open
    ],
)
def test_only_open_violations_at_or_over_the_severity_count(
    fail_on: str | None, code: Exit
) -> None:
    assert exit_for_violations(ROWS, fail_on) is code


def test_nothing_found_is_fine() -> None:
    assert exit_for_violations([], "low") is Exit.FINE


@pytest.mark.parametrize(
    ("status", "fail_on", "code"),
    [
        ("success", None, Exit.FINE),
        ("success", "high", Exit.VIOLATIONS),
        ("partial", "high", Exit.VIOLATIONS),
        ("partial", "critical", Exit.FAILED),
        ("partial", None, Exit.FAILED),
        ("failed", "high", Exit.FAILED),
        ("cancelled", None, Exit.FAILED),
    ],
)
def test_a_run_that_could_not_look_everywhere_is_not_fine(
    status: str, fail_on: str | None, code: Exit
) -> None:
    assert exit_for_run(status, ROWS, fail_on) is code
