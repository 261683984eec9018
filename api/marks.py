"""What the database says of the things that requests wait for, in few queries for all of them."""

from collections.abc import Collection, Hashable, Mapping

from sqlalchemy import Connection, select

from api.database import Database
from api.events import LAST_SEQ
from api.jobs import JobStatus
from api.tables import jobs
from api.wakeups import WORK, Kind, ReadMarks, Topic


def marks_reader(database: Database) -> ReadMarks:
    """Return what reads the marks of topics from this database."""

    def read_marks(topics: Collection[Topic]) -> Mapping[Topic, Hashable]:
        with database.read() as connection:
            marks: dict[Topic, Hashable] = {WORK: _work(connection)} if WORK in topics else {}
            of_jobs = [topic for topic in topics if topic != WORK]
            if of_jobs:
                known = _jobs(connection, {topic.job_id for topic in of_jobs})
                marks |= {topic: _mark(topic, known) for topic in of_jobs}
            return marks

    return read_marks


def _work(connection: Connection) -> Hashable:
    """Name the newest and the oldest pending job: whoever waits had found none."""
    pending = select(jobs.c.id).where(jobs.c.status == JobStatus.PENDING).limit(1)
    oldest = connection.execute(pending.order_by(jobs.c.created_at, jobs.c.id)).scalar()
    newest = connection.execute(
        pending.order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
    ).scalar()
    return oldest, newest


def _jobs(connection: Connection, job_ids: Collection[str]) -> dict[str, tuple[str, int, int]]:
    columns = (jobs.c.id, jobs.c.status, jobs.c.attempt, LAST_SEQ)
    rows = connection.execute(select(*columns).where(jobs.c.id.in_(job_ids)))
    return {job_id: (status, attempt, seq or 0) for job_id, status, attempt, seq in rows}


def _mark(topic: Topic, known: Mapping[str, tuple[str, int, int]]) -> Hashable:
    mark = known.get(topic.job_id)
    return mark[0] if mark and topic.kind is Kind.END else mark
