"""Large data of tasks: compressed chunks in the database, written once and read as a stream."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from api.database import Database
from api.models import Body, Count
from api.openapi import PREFIX
from api.tables import large_data, task_results
from utils.zstd import Inflating, ZstdError

CHUNK_BYTES = 1024 * 1024
SHA256 = r"^[0-9a-f]{64}$"
LARGEST = 2**32


class LargeData(Body):
    """What a task's result says of data that is kept beside it, compressed."""

    sha256: str = Field(pattern=SHA256, description="of the compressed bytes")
    size_bytes: Count = Field(ge=1, le=LARGEST)
    stored_bytes: Count = Field(ge=1, le=LARGEST)


@dataclass(frozen=True)
class Place:
    """Whose data it is."""

    job_id: str
    attempt: int
    sha256: str

    @property
    def rows(self) -> ColumnElement[bool]:
        """The condition that finds its chunks."""
        return (
            (large_data.c.job_id == self.job_id)
            & (large_data.c.attempt == self.attempt)
            & (large_data.c.sha256 == self.sha256)
        )


def data_url(job_id: str, task: str) -> str:
    """Return the address of a task's data."""
    return f"{PREFIX}/jobs/{quote(job_id, safe='')}/tasks/{quote(task, safe='')}/data"


def received_bytes(connection: Connection, place: Place) -> int:
    """Return how much is there, from the beginning."""
    end = func.coalesce(func.max(large_data.c.start + large_data.c.size_bytes), 0)
    return int(connection.execute(select(end).where(place.rows)).scalar_one())


def insert_chunk(connection: Connection, place: Place, start: int, content: bytes) -> None:
    """Add the chunk that begins where the ones before it end."""
    connection.execute(
        insert(large_data).values(
            job_id=place.job_id,
            attempt=place.attempt,
            sha256=place.sha256,
            start=start,
            size_bytes=len(content),
            content=content,
        )
    )


def fault_of(database: Database, place: Place, said: LargeData) -> str | None:
    """Say why what was received is not what was said of it; None when it is."""
    found = hashlib.sha256()
    size_bytes = stored_bytes = 0
    inflating = Inflating()
    try:
        for chunk in read_chunks(database, place):
            found.update(chunk)
            stored_bytes += len(chunk)
            for piece in inflating.feed(chunk):
                size_bytes += len(piece)
                if size_bytes > said.size_bytes:
                    return f"its data takes more than the {said.size_bytes} bytes that were said"
    except ZstdError as error:
        return f"its data cannot be read: {error}"
    if (stored_bytes, size_bytes) != (said.stored_bytes, said.size_bytes) or not inflating.is_whole:
        return f"{stored_bytes} of {said.stored_bytes} bytes of its data have arrived"
    if found.hexdigest() != said.sha256:
        return "its data is not what was sent"
    return None


def read_chunks(database: Database, place: Place) -> Iterator[bytes]:
    """Yield what is stored, chunk by chunk; no transaction is open in between."""
    start = 0
    while True:
        statement = select(large_data.c.content).where(place.rows, large_data.c.start == start)
        with database.read() as connection:
            chunk: bytes | None = connection.execute(statement).scalar()
        if not chunk:
            return
        yield bytes(chunk)
        start += len(chunk)


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield JSON text."""
    inflating = Inflating()
    for chunk in chunks:
        yield from inflating.feed(chunk)


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what clients without Zstandard can read."""
    deflating = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for piece in pieces:
        if compressed := deflating.compress(piece):
            yield compressed
    yield deflating.flush()


def discard_data(connection: Connection, job_ids: Iterable[str]) -> None:
    """Remove the data of earlier attempts."""
    connection.execute(delete(large_data).where(large_data.c.job_id.in_(list(job_ids))))


def discard_unused_data(connection: Connection, job_id: str) -> None:
    """Remove what no result of a job refers to."""
    used = select(task_results.c.large_sha256).where(
        task_results.c.job_id == job_id, task_results.c.large_sha256.is_not(None)
    )
    connection.execute(
        delete(large_data).where(large_data.c.job_id == job_id, large_data.c.sha256.not_in(used))
    )


def shown(result: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Return a stored result as the API shows it: large data with its address."""
    large = result.get("large_data")
    if large is None:
        return result | {"large_data": None}
    return result | {"large_data": large | {"url": data_url(job_id, result["name"])}}
