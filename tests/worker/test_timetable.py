from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from worker.api_answers import Tick
from worker.api_errors import ApiUnavailable
from worker.timetable import Duties, Timetable, seconds_to_tick

if TYPE_CHECKING:
    from tests.worker.conftest import Eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Called:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.tick: Callable[[], Tick] = Tick

    def duties(self) -> Duties:
        def tick() -> Tick:
            self.names.append("tick")
            return self.tick()

        return Duties(
            sync=lambda: self.names.append("sync"),
            tick=tick,
            reclaim=lambda: self.names.append("reclaim"),
            heartbeat=lambda: self.names.append("heartbeat"),
        )


@pytest.fixture
def called() -> Called:
    return Called()


@pytest.fixture
def start(called: Called) -> Iterator[Callable[[float, float], None]]:
    started: list[Timetable] = []

    def start(sync_seconds: float, lease_seconds: float) -> None:
        timetable = Timetable(called.duties(), sync_seconds, lease_seconds)
        started.append(timetable)
        timetable.start()

    yield start
    for timetable in started:
        timetable.stop()


def test_source_is_looked_at_again_and_again(
    start: Callable[[float, float], None], called: Called, eventually: Eventually
) -> None:
    start(0.05, 30)

    eventually(lambda: called.names.count("sync") >= 3)


def test_first_tick_is_at_once_and_the_next_when_something_is_due(
    start: Callable[[float, float], None], called: Called, eventually: Eventually
) -> None:
    called.tick = lambda: Tick(next_due_at=datetime.now(UTC))

    start(300, 30)

    eventually(lambda: called.names.count("tick") >= 3)


def test_first_heartbeat_is_at_once(
    start: Callable[[float, float], None],
    called: Called,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.timetable.HEARTBEAT_SECONDS", 3600)

    start(300, 30)

    eventually(lambda: "heartbeat" in called.names)


def test_ticks_come_twice_a_lease_so_that_lost_jobs_are_found(
    start: Callable[[float, float], None], called: Called, eventually: Eventually
) -> None:
    start(300, 0.2)

    eventually(lambda: called.names.count("tick") >= 3)


def test_clock_that_is_set_back_holds_up_nothing(
    called: Called, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.timetable.CLOCK_SECONDS", 0.02)
    set_back = [0.0]
    timetable = Timetable(called.duties(), 3600, 30, lambda: time.time() - set_back[0])
    timetable.start()
    eventually(lambda: {"tick", "heartbeat"} <= set(called.names))
    assert "sync" not in called.names

    set_back[0] = 7200.0

    eventually(lambda: "sync" in called.names)
    timetable.stop()


def test_tick_that_fails_is_said_once_and_tried_again(
    start: Callable[[float, float], None], called: Called, eventually: Eventually
) -> None:
    def away() -> Tick:
        raise ApiUnavailable("it is away", "start it")

    called.tick = away
    with capture_logs() as logs:
        start(300, 0.2)
        eventually(lambda: called.names.count("tick") >= 3)

    assert [entry["event"] for entry in logs] == ["no tick"]


@pytest.mark.parametrize(
    ("due", "seconds"),
    [
        (None, 15.0),
        (NOW + timedelta(seconds=4), 4.0),
        (NOW + timedelta(hours=4), 15.0),
        (NOW - timedelta(hours=2), 0.2),
    ],
)
def test_next_tick_is_when_the_next_deployment_is_due_within_bounds(
    due: datetime | None, seconds: float
) -> None:
    assert seconds_to_tick(due, NOW) == pytest.approx(seconds)
