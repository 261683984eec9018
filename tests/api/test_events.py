from typing import TYPE_CHECKING

from api.database import Database
from api.events import Position, append_event, last_event, last_seqs, read_events
from api.jobs import lock_job

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_events_are_read_in_order_after_a_place_by_type_and_up_to_a_limit(
    desk: "Desk", database: Database
) -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    tasks = [desk.event(lease, "task_started", task=f"t{number}") for number in range(4)]
    noise = desk.event(lease, "output", stream="stdout", text="x")
    desk.good(desk.send(lease, *tasks, noise))
    with database.read() as connection:
        everything = read_events(connection, job_id)
        assert [str(event.position) for event in everything] == [f"1.{n}" for n in range(1, 6)]
        assert read_events(connection, job_id, Position(1, 3)) == everything[3:]
        assert read_events(connection, job_id, types=["output"]) == everything[4:]
        assert read_events(connection, job_id, limit=2) == everything[:2]
        assert last_event(connection, job_id, Position(1, 6), unlike="output") == everything[3]
        assert last_event(connection, job_id, Position(1, 1), unlike="output") is None


def test_attempts_follow_one_another(desk: "Desk", database: Database) -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    desk.good(desk.send(lease, desk.started(lease)))
    with database.write() as connection:
        job = lock_job(connection, job_id)
        append_event(connection, job, "lost", desk.clock.now, {"worker": "w1"})
        assert last_seqs(connection, [job_id, "no-such-job"]) == {job_id: 2}
        history = read_events(connection, job_id)
    assert [(str(event.position), event.type) for event in history] == [
        ("1.1", "started"),
        ("1.2", "lost"),
    ]
    assert Position(1, 10) < Position(2, 1)
