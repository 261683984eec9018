"""The API's log of jobs: a line for each that ends, with the request that asked for it."""

from collections.abc import Sequence

import structlog

from api.facts import Fact, JobMoved, LeaseLost
from api.jobs import ENDED
from utils.correlation import Correlation

log = structlog.get_logger()


def log_facts(facts: Sequence[Fact]) -> None:
    """Log what a transaction did to jobs; its lines name the job's request, not a worker's."""
    for fact in facts:
        if isinstance(fact, LeaseLost):
            log.warning("lease lost", **_about(fact), worker=fact.worker)
        elif isinstance(fact, JobMoved) and fact.status in ENDED:
            _log_end(fact)


def _log_end(job: JobMoved) -> None:
    related = Correlation(job.request_id, job.traceparent).for_logs()
    said = {"request_id": None} | _about(job) | {"attempt": job.attempt} | related
    log.info("job ended", **said, status=job.status, seconds=job.seconds)


def _about(fact: JobMoved | LeaseLost) -> dict[str, str]:
    return {"job_id": fact.job_id, "integration": fact.integration}
