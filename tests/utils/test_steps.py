import pytest
from structlog.testing import capture_logs

from utils.steps import Stops, logged_step, silent_step


def test_step_is_logged_with_its_duration() -> None:
    with capture_logs() as logs, logged_step("source"):
        pass

    (entry,) = logs
    assert (entry["event"], entry["step"]) == ("start step", "source")
    assert entry["seconds"] >= 0


def test_step_that_fails_is_not_logged_as_done() -> None:
    with capture_logs() as logs, pytest.raises(ValueError, match="no"), logged_step("source"):
        raise ValueError("no")

    assert logs == []


def test_silent_step_says_nothing() -> None:
    with capture_logs() as logs, silent_step("source"):
        pass

    assert logs == []


def test_what_was_started_last_ends_first_and_each_step_is_logged() -> None:
    ended: list[str] = []
    stops = Stops()
    for name in ("database", "server"):
        stops.add(name, lambda name=name: ended.append(name))  # type: ignore[misc]  # its default binds it

    with capture_logs() as logs:
        stops.run()
        stops.run()

    assert ended == ["server", "database"]
    assert [(it["event"], it["step"]) for it in logs] == [
        ("stop step", "server"),
        ("stop step", "database"),
    ]


def test_a_stop_that_fails_keeps_none_of_the_others() -> None:
    ended: list[str] = []
    stops = Stops()
    stops.add("first", lambda: ended.append("first"))
    stops.add("broken", lambda: 1 / 0)

    with capture_logs() as logs:
        stops.run()

    assert ended == ["first"]
    assert [it["event"] for it in logs] == ["stop step failed", "stop step"]
