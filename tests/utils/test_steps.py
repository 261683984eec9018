import pytest
from structlog.testing import capture_logs

from utils.steps import logged_step, silent_step


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
