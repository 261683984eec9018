"""A job's history as server-sent events: replayed, then live, until the job has ended."""

import json
import re
from collections.abc import Iterator
from typing import Any

from api.events import BEFORE_ALL, Position, StoredEvent, read_events
from api.jobs import Job, read_job
from api.json_format import iso
from api.problems import BadRequest
from api.state import State
from api.wakeups import Kind, Topic

HEARTBEAT_SECONDS = 15.0
PAGE = 200
_POSITION = re.compile(r"(\d{1,9})\.(\d{1,9})")


def read_position(event_id: str | None) -> Position:
    """Read the id of the last event that a follower has; none: it has none."""
    if not event_id:
        return BEFORE_ALL
    match = _POSITION.fullmatch(event_id)
    if match is None:
        raise BadRequest(
            "Last-Event-ID is not the id of an event",
            "send the last id that this stream gave, such as 1.12, or leave the header out",
        )
    return Position(int(match[1]), int(match[2]))


class EventStream:
    """The chunks for one follower; `close` must follow, however the request ends."""

    def __init__(self, state: State, job_id: str, after: Position) -> None:
        self._state = state
        self._job_id = job_id
        self._after = after
        self._topic = Topic(Kind.HISTORY, job_id)
        self._watch = state.wakeups.start_watch(self._topic)

    def chunks(self) -> Iterator[str]:
        """Yield what is there, then what comes; ends with the job or with the server."""
        yield "retry: 1000\n\n"
        while True:
            job, events = self._look()
            for event in events:
                self._after = event.position
                yield _event_chunk(event)
            if len(events) == PAGE:
                continue
            if job.ended:
                yield _end_chunk(job)
                return
            if self._state.wakeups.closed:
                return
            if not self._watch.wait(HEARTBEAT_SECONDS):
                yield ": still running\n\n"

    def close(self) -> None:
        """Make room for another follower."""
        self._state.wakeups.end_watch(self._topic, self._watch)

    def _look(self) -> tuple[Job, list[StoredEvent]]:
        """Read the job before its events: once it has ended, they are all there."""
        with self._state.database.read() as connection:
            job = read_job(connection, self._job_id)
            return job, read_events(connection, self._job_id, self._after, limit=PAGE)


def _event_chunk(event: StoredEvent) -> str:
    place = {"attempt": event.position.attempt, "seq": event.position.seq}
    shown = {"type": event.type, "at": iso(event.at)} | place | dict(event.payload)
    return f"id: {event.position}\nevent: {event.type}\ndata: {_data(shown)}\n\n"


def _end_chunk(job: Job) -> str:
    return f"event: end\ndata: {_data({'type': 'end', 'status': job.status})}\n\n"


def _data(value: dict[str, Any]) -> str:
    # ASCII alone: some clients take U+2028 and its like for the end of a line.
    return json.dumps(value, separators=(",", ":"))
