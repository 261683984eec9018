"""The client of Trueline's API, with what takes more than one request: waiting and following."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from utils.client.models import JobAnswer
from utils.client.operations import Operations
from utils.client.transport import part, problem_of

BLOCK_SECONDS = 20.0  # how long one request waits for a job's end
SILENCE_SECONDS = 60.0  # the API says every 15 s that it is there


class Trueline(Operations):
    """Talks to one API.

    >>> async def newest_jobs(url: str) -> list[str]:
    ...     async with Trueline(url) as api:
    ...         return [job.id async for job in api.list_jobs_all(status=[JobStatus.FAILED])]
    """

    async def wait_for_job(self, job_id: str) -> JobAnswer:
        """Wait until a job has ended, however long that takes, and return it."""
        while True:
            job = await self.read_job(job_id, timeout=BLOCK_SECONDS)
            if job.finished_at is not None:
                return job

    async def follow_job(self, job_id: str, after: str = "") -> AsyncIterator[dict[str, Any]]:
        """Yield a job's events, each once, until its end; goes on where it was cut off.

        `after` is the `id` of the last event that the caller has; each event has its own.
        """
        while True:
            try:
                async for event in self._events(job_id, after):
                    if event["type"] == "end":
                        return
                    after = str(event["id"])
                    yield event
            except httpx2.TransportError:
                await self.check_live()  # again and again for a while; raises when it stays away
            job = await self.read_job(job_id, timeout=1)
            if job.finished_at is not None and not await self._is_more(job_id, after):
                return

    async def _is_more(self, job_id: str, after: str) -> bool:
        async for event in self._events(job_id, after):
            return bool(event["type"] != "end")
        return False

    async def _events(self, job_id: str, after: str) -> AsyncIterator[dict[str, Any]]:
        address = f"/api/v1/jobs/{part(job_id)}/events"
        headers = {"Last-Event-ID": after} if after else {}
        async with self.http.stream(
            "GET", address, headers=headers, timeout=SILENCE_SECONDS
        ) as response:
            if not response.is_success:
                await response.aread()
                raise problem_of(response)
            if response.status_code == httpx2.codes.NO_CONTENT:
                return
            async for event in httpx2.EventSource(response):
                if event.data:
                    yield {**json.loads(event.data), "id": event.id}
