from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.standing import Standing, Timing, disabled_note, standing
from utils.notes import Note

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
HOURLY = Timing("every 1h", "UTC", NOW - timedelta(minutes=30))
FAULT = Note("it does not fit", "change it")


def stands(timing: Timing = HOURLY, **fields: Any) -> Standing:
    given = {"wanted": True, "integration_fault": None, "config_fault": None} | fields
    return standing(timing, NOW, **given)


def test_wanted_deployment_is_active_and_due() -> None:
    assert stands() == Standing(stands().state, None, NOW + timedelta(minutes=30))
    assert stands().columns()["state"] == "active"


def test_due_time_that_it_has_is_kept() -> None:
    due = NOW + timedelta(minutes=1)
    assert stands(Timing("every 1h", "UTC", NOW, due)).next_due_at == due


def test_deployment_without_a_schedule_is_never_due() -> None:
    assert stands(Timing(None, "UTC", NOW)).next_due_at is None


@pytest.mark.parametrize(
    ("fields", "state", "problem"),
    [
        ({"wanted": False}, "paused", None),
        ({"wanted": False, "config_fault": FAULT}, "paused", FAULT),
        ({"config_fault": FAULT}, "needs_attention", FAULT),
        ({"integration_fault": disabled_note("dns")}, "paused", disabled_note("dns")),
        (
            {"integration_fault": disabled_note("dns"), "config_fault": FAULT},
            "paused",
            disabled_note("dns"),
        ),
    ],
)
def test_what_is_wrong_decides_the_state(
    fields: dict[str, Any], state: str, problem: Note | None
) -> None:
    columns = stands(**fields).columns()
    assert columns == {
        "state": state,
        "problem": problem.as_json() if problem else None,
        "next_due_at": None,
    }
