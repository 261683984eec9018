"""Take in workers' events, and send a job's events to whoever follows it."""

from dataclasses import asdict
from typing import Any, Self

from flask import Response, request
from pydantic import Field, model_validator

from api.acceptance import Outcome, OutcomeStatus, Report
from api.after_answer import after_answer
from api.event_stream import EventStream, read_position
from api.events import BEFORE_ALL, read_events
from api.intake import Intake, record_reports
from api.jobs import read_job
from api.models import Answer, Body
from api.openapi import blueprint, problem_responses
from api.problems import Conflict
from api.reports import MOST_EVENTS
from api.routes.jobs import JobPath
from api.routes.leases import LeaseName
from api.state import current_state
from api.wakeups import Wakeups

routes = blueprint("events", __name__)
MOST_REPORTS = 1_000


class ReportBody(LeaseName):
    """Consecutive events of one attempt; each is checked by itself."""

    events: list[Any] = Field(max_length=MOST_EVENTS)


class ReportsBody(Body):
    """Reports, one an attempt."""

    reports: list[ReportBody] = Field(min_length=1, max_length=MOST_REPORTS)

    @model_validator(mode="after")
    def _check(self) -> Self:
        attempts = {(report.job_id, report.attempt) for report in self.reports}
        if len(attempts) < len(self.reports):
            raise ValueError("an attempt has one report at most")
        return self


class OutcomeAnswer(Answer):
    """What became of one report."""

    job_id: str
    attempt: int
    status: OutcomeStatus
    last_seq: int | None = Field(
        description="the last event on record: go on after it; null: drop the attempt"
    )
    reason: str | None


class IntakeAnswer(Answer):
    """What became of the reports, and which of the jobs are to be ended."""

    outcomes: list[OutcomeAnswer]
    cancelled: list[str]


@routes.post(
    "/events", operation_id="report_events", responses={200: IntakeAnswer, **problem_responses(409)}
)
def report(body: ReportsBody) -> dict[str, Any]:
    """Record what workers report; what is on record already is recorded once."""
    state = current_state()
    reports = [Report(it.held(), it.events) for it in body.reports]
    intake = record_reports(state.database, reports, state.clock())
    after_answer(lambda: _wake(state.wakeups, intake))
    answer = {
        "outcomes": [asdict(outcome) for outcome in intake.outcomes],
        "cancelled": intake.cancelled,
    }
    if all(outcome.status is OutcomeStatus.REFUSED for outcome in intake.outcomes):
        raise _all_refused(intake.outcomes, answer)
    return answer


@routes.get(
    "/jobs/<job_id>/events",
    operation_id="follow_job",
    responses={
        200: {"description": "server-sent events", "content": {"text/event-stream": {}}},
        204: None,
        **problem_responses(404),
    },
)
def follow(path: JobPath) -> Response:
    """Send a job's events, from the first or after Last-Event-ID, until it has ended.

    204 tells a follower that nothing comes any more.
    """
    state = current_state()
    after = read_position(request.headers.get("Last-Event-ID"))
    with state.database.read() as connection:
        job = read_job(connection, path.job_id)
        nothing_left = job.ended and not read_events(connection, job.id, after, limit=1)
    if nothing_left and after != BEFORE_ALL:
        return Response(status=204)
    stream = EventStream(state, job.id, after)
    response = Response(stream.chunks(), mimetype="text/event-stream")
    response.call_on_close(stream.close)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy in front passes events on at once
    return response


def _wake(wakeups: Wakeups, intake: Intake) -> None:
    wakeups.wake_followers(*intake.changed)
    wakeups.wake_jobs(*intake.ended)


def _all_refused(outcomes: tuple[Outcome, ...], answer: dict[str, Any]) -> Conflict:
    return Conflict(
        f"nothing was recorded: {outcomes[0].reason}",
        "see `outcomes`: go on after `last_seq`, or drop the attempt where it is null",
        extra=answer,
    )
