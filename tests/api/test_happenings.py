from typing import TYPE_CHECKING

from api.happenings import LONGEST_TEXT, EventType, job_finished, source_changed
from api.jobs import read_job

if TYPE_CHECKING:
    from api.database import Database
    from tests.api.desk import Desk


def test_job_is_told_with_its_end_and_without_what_is_between_api_and_worker(
    desk: "Desk", database: "Database"
) -> None:
    job_id = desk.run({"name": "check"})
    with database.read() as connection:
        told = job_finished(read_job(connection, job_id), desk.clock.now)
    data = told.as_json()["data"]
    assert (data["id"], data["status"], data["finished_at"]) == (
        job_id,
        "partial",
        "2026-03-02T12:00:00.000Z",
    )
    assert not {"lease_token", "config", "worker"} & set(data)
    assert (told.concern.integration, told.concern.job_status) == ("tool", "partial")


def test_source_is_degraded_with_a_problem_and_recovered_without(desk: "Desk") -> None:
    problem = {"reason": "x" * 5_000, "advice": "wait"}
    told = source_changed("https://git.example/a", "main", None, problem, desk.clock.now)
    assert told.type is EventType.SOURCE_DEGRADED
    assert len(told.data["problem"]["reason"]) == LONGEST_TEXT
    told = source_changed("https://git.example/a", "main", "c", None, desk.clock.now)
    assert (told.type, told.data["problem"]) == (EventType.SOURCE_RECOVERED, None)
