"""One attempt at one job, as the API gave it: what fences every report about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lease:
    """The right to report about one attempt at a job; the token proves it."""

    job_id: str
    attempt: int
    token: str
