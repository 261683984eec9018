from datetime import UTC, datetime
from typing import Any

import pytest

from api.acceptance import Catalogued, OnRecord, OutcomeStatus, accept
from api.jobs import Job, JobStatus
from api.leases import Held
from api.reports import CheckedEvents, check_events

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEASE = Held("j", 2, "token")
COMMIT = "c" * 40
RESULT = {
    "name": "check",
    "title": "Check",
    "type": "insight",
    "status": "success",
    "verdict": "pass",
    "duration_seconds": 0.1,
}


def job(status: JobStatus = JobStatus.RUNNING, commit: str | None = None) -> Job:
    return Job(
        id="j",
        kind="scan",
        deployment_id="d",
        deployment_name="nightly",
        integration="tool",
        status=status,
        commit=commit,
        attempt=2,
        losses=0,
        retries=0,
        not_before=None,
        trigger="manual",
        due_at=None,
        worker="w1",
        isolation=None,
        lease_token="token",
        lease_owner=None,
        lease_expires_at=NOW,
        cancel_requested=False,
        error=None,
        summary=None,
        network=None,
        created_at=NOW,
        started_at=NOW,
        finished_at=None,
    )


def events(*given: dict[str, Any], first: int = 1) -> CheckedEvents:
    at = NOW.isoformat()
    checked = check_events([{"seq": first + i, "at": at} | it for i, it in enumerate(given)])
    assert checked.fault is None
    return checked


def started(worker: str = "w1", commit: str = COMMIT) -> dict[str, Any]:
    return {"type": "started", "commit": commit, "isolation": "process", "worker": worker}


def finished(name: str = "check", **fields: Any) -> dict[str, Any]:
    return {"type": "task_finished", "result": RESULT | {"name": name} | fields}


def begun(task: str = "check") -> dict[str, Any]:
    return {"type": "task_started", "task": task}


def ended(status: str = "success") -> dict[str, Any]:
    return {"type": "job_finished", "status": status}


def test_new_events_are_taken_and_known_ones_passed_over() -> None:
    taken = accept(LEASE, events(started(), begun(), begun("b")), OnRecord(job(), last_seq=2))
    assert [event.seq for event in taken.events] == [3]
    assert taken.outcome.status is OutcomeStatus.RECORDED
    assert taken.outcome.last_seq == 3


def test_a_report_that_is_on_record_already_gets_the_same_answer() -> None:
    report = events(started(), ended())
    first = accept(LEASE, report, OnRecord(job(), last_seq=0))
    again = accept(LEASE, report, OnRecord(job(JobStatus.SUCCESS), last_seq=2))
    assert again.outcome == first.outcome
    assert again.events == ()


def test_a_gap_is_refused_with_the_place_to_go_on_from() -> None:
    taken = accept(LEASE, events(begun(), first=5), OnRecord(job(), last_seq=3))
    assert (taken.outcome.status, taken.outcome.last_seq) == (OutcomeStatus.REFUSED, 3)
    assert taken.outcome.reason == "event 5 came, 4 is next: send from there"
    assert (taken.events, taken.fault) == ((), None)


@pytest.mark.parametrize(
    ("lease", "known"),
    [
        (LEASE, OnRecord(None)),
        (Held("j", 2, "guess"), OnRecord(job())),
        (Held("j", 1, "token"), OnRecord(job())),
        (Held("j", 3, "token"), OnRecord(job())),
    ],
)
def test_who_does_not_own_the_attempt_is_refused_and_told_to_drop_it(
    lease: Held, known: OnRecord
) -> None:
    outcome = accept(lease, events(begun()), known).outcome
    assert (outcome.status, outcome.last_seq) == (OutcomeStatus.REFUSED, None)


def test_nothing_new_is_taken_after_the_end() -> None:
    known = OnRecord(job(JobStatus.SUCCESS), last_seq=2)
    outcome = accept(LEASE, events(begun(), first=3), known).outcome
    assert (outcome.status, outcome.last_seq) == (OutcomeStatus.REFUSED, None)
    assert outcome.reason == "the job has ended: success"


@pytest.mark.parametrize(
    ("given", "known", "fault"),
    [
        (started("w2"), {}, "worker 'w2' reports about a job that was leased to 'w1'"),
        (finished(), {"results": {"check": "success"}}, "task 'check' has a result already"),
        (
            ended(),
            {"results": {"a": "failed"}},
            "status success, though task 'a' has status failed",
        ),
        (
            finished("other"),
            {"catalogued": Catalogued(COMMIT, frozenset({"check"}))},
            "task 'other' is not one of the integration's tasks",
        ),
        (
            finished("one more"),
            {"results": {f"t{number}": "success" for number in range(1000)}},
            "a job has at most 1000 tasks",
        ),
    ],
)
def test_what_does_not_fit_its_job_ends_it_and_what_came_before_is_kept(
    given: dict[str, Any], known: dict[str, Any], fault: str
) -> None:
    taken = accept(LEASE, events(begun(), given), OnRecord(job(commit=COMMIT), **known))
    assert taken.fault == f"event 2: {fault}"
    assert [event.seq for event in taken.events] == [1]
    assert (taken.outcome.status, taken.outcome.last_seq) == (OutcomeStatus.REFUSED, None)


def test_tasks_are_compared_with_the_catalogue_of_the_same_commit_only() -> None:
    known = OnRecord(job(), catalogued=Catalogued(COMMIT, frozenset({"check"})))
    other = accept(LEASE, events(started(commit="d" * 40), finished("new")), known)
    same = accept(LEASE, events(started(), finished("new")), known)
    assert other.fault is None
    assert same.fault == "event 2: task 'new' is not one of the integration's tasks"


def test_two_results_of_one_task_in_one_report_are_seen() -> None:
    taken = accept(LEASE, events(finished(), finished()), OnRecord(job()))
    assert taken.fault == "event 2: task 'check' has a result already"


def test_a_fault_of_form_ends_the_job_after_the_sound_events() -> None:
    checked = CheckedEvents(events(begun()).events, "/events/1: bad")
    taken = accept(LEASE, checked, OnRecord(job()))
    assert (len(taken.events), taken.fault) == (1, "/events/1: bad")
