"""A new beginning for leases, after records came back from an earlier time.

Workers may hold leases that were given after that time, with attempts that are not on record, and
events of them in their outboxes. Their tokens are unknown here, so nothing that they send counts.
A job that has not ended gets a number of attempts that no worker can have seen.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from api.jobs import ENDED, JobStatus, job_from_row
from api.leases import hand_back
from api.tables import jobs

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
ATTEMPTS_A_MINUTE = 10  # more than a job can have: two restores do not meet


def begin_epoch(connection: Connection, now: datetime) -> int:
    """Put running jobs back and let all that wait begin with new attempts; return how many."""
    running = connection.execute(select(jobs).where(jobs.c.status == JobStatus.RUNNING)).all()
    for row in running:
        hand_back(connection, job_from_row(row), "released", now)
    waiting = jobs.c.status.not_in([str(status) for status in ENDED])
    first = first_attempt(now)
    connection.execute(update(jobs).where(waiting, jobs.c.attempt < first).values(attempt=first))
    connection.execute(update(jobs).where(jobs.c.lease_token.is_not(None)).values(lease_token=None))
    return len(running)


def first_attempt(now: datetime) -> int:
    """Return the number after which attempts go on; it grows with time."""
    return max(int((now - BEGINNING).total_seconds() // 60), 1) * ATTEMPTS_A_MINUTE
