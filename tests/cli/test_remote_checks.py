from typing import Any

import pytest

from cli.remote_checks import api_checks, webhook_check, worker_check

WORKER: dict[str, Any] = {
    "name": "host-1",
    "state": "running",
    "version": "0.1.0",
    "isolation": "sandbox",
    "silent_seconds": 2.4,
    "jobs_running": 1,
    "concurrency": 4,
    "checks": [{"name": "disk", "error": None, "advice": None}],
}
FULL = {"name": "disk", "error": "it is full\x1b[31m", "advice": "make room"}


def test_a_worker_that_is_well_says_when_it_was_seen_its_version_and_its_level() -> None:
    check = worker_check(WORKER)
    assert (check.name, check.error) == ("worker host-1", None)
    assert check.detail == "last seen 2 s ago, version 0.1.0, sandbox, 1 of 4 jobs"


@pytest.mark.parametrize(
    ("change", "error", "advice"),
    [
        ({"state": "silent", "silent_seconds": 90}, "silent: last seen 90 s ago", "start it again"),
        ({"checks": [FULL]}, "last seen 2 s ago: disk: it is full", "make room"),
    ],
)
def test_a_worker_that_needs_somebody_fails_with_what_to_do(
    change: dict[str, Any], error: str, advice: str
) -> None:
    check = worker_check(WORKER | change)
    assert str(check.error).startswith(error)
    assert "\x1b" not in str(check.error)
    assert str(check.advice).startswith(advice)


def test_a_worker_that_stopped_in_order_is_no_fault() -> None:
    check = worker_check(WORKER | {"state": "stopped", "silent_seconds": 9000})
    assert check.error is None
    assert check.detail.startswith("stopped, last seen 9000 s ago")


def test_the_checks_of_the_api_keep_their_error_and_advice() -> None:
    said = {"name": "schema", "seconds": 0.1, "error": "old", "advice": "restart"}
    (check,) = api_checks({"checks": [said]})
    assert (check.name, check.error, check.advice) == ("API schema", "old", "restart")


def test_webhook_that_cannot_be_told_says_why() -> None:
    problem = {"reason": "the last try failed: \x1b[31mit answered 500", "advice": "see it"}
    check = webhook_check({"name": "ops", "problem": problem})
    assert (check.name, check.status, check.advice) == ("webhook ops", "failed", "see it")
    assert "\x1b" not in str(check.error)
