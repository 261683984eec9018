"""The task's deadline holds for every look, also in the threads of a pool."""

from contextvars import copy_context

import pytest

from integrations.http_endpoints.endpoint import Endpoint, read_endpoints
from integrations.http_endpoints.side_by_side import look_at_all
from integrations.http_endpoints.time_left import NoTimeLeft, allowed_seconds
from utils.deadline import note_deadline, seconds_left


def allowed_with(left_seconds: float) -> float:
    def look() -> float:
        note_deadline(left_seconds)
        return allowed_seconds(10)

    return copy_context().run(look)


def test_a_look_takes_no_longer_than_the_task_has() -> None:
    assert allowed_with(0) == 10  # no deadline
    assert allowed_with(60) == 10
    assert 4 < allowed_with(7) <= 5


def test_no_look_is_begun_without_time() -> None:
    with pytest.raises(NoTimeLeft, match="not looked at"):
        allowed_with(1)


def test_looks_keep_their_order_and_the_deadline() -> None:
    endpoints = read_endpoints({"urls": [f"https://h{number}/" for number in range(40)]})

    def look(endpoint: Endpoint) -> tuple[str, bool]:
        return endpoint.url, seconds_left() is not None

    def looked() -> list[tuple[str, bool]]:
        note_deadline(60)
        return look_at_all(endpoints, look)

    assert copy_context().run(looked) == [(endpoint.url, True) for endpoint in endpoints]
