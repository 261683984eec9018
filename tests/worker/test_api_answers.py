import pytest
from pydantic import ValidationError

from worker.api_answers import Grants, Outcomes, Tick


def test_fields_that_a_newer_api_adds_are_passed_over() -> None:
    outcomes = [{"job_id": "a", "attempt": 1, "status": "recorded", "last_seq": 3, "new": 1}]

    answer = Outcomes.model_validate({"outcomes": outcomes, "more": {}})

    assert answer.outcomes[0].last_seq == 3
    assert answer.cancelled == ()


def test_due_time_is_aware() -> None:
    tick = Tick.model_validate(
        {"created": [], "expired": [], "next_due_at": "2026-01-01T00:00:00Z"}
    )

    assert tick.next_due_at is not None
    assert tick.next_due_at.tzinfo is not None


def test_grant_without_a_token_is_no_grant() -> None:
    with pytest.raises(ValidationError):
        Grants.model_validate({"leases": [{"job_id": "a", "attempt": 1}]})
