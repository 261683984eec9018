import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from api.database import Database
from api.large_data import (
    LargeData,
    Place,
    data_url,
    discard_data,
    discard_unused_data,
    fault_of,
    gzipped,
    inflated,
    insert_chunk,
    read_chunks,
    received_bytes,
)
from api.tables import large_data
from utils.zstd import ZstdCompressor

if TYPE_CHECKING:
    from tests.api.desk import Desk

TEXT = json.dumps([{"n": n} for n in range(50_000)]).encode()


def packed(text: bytes = TEXT) -> bytes:
    compressor = ZstdCompressor(level=1)
    return compressor.compress(text) + compressor.flush()


def said(content: bytes, size_bytes: int = len(TEXT), **changes: Any) -> LargeData:
    values: dict[str, Any] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": size_bytes,
        "stored_bytes": len(content),
    }
    return LargeData(**(values | changes))


@pytest.fixture
def place(desk: "Desk") -> Place:
    return Place(desk.start(), 1, said(packed()).sha256)


def store(database: Database, place: Place, content: bytes, chunk_bytes: int = 5000) -> None:
    with database.write() as connection:
        for start in range(0, len(content), chunk_bytes):
            insert_chunk(connection, place, start, content[start : start + chunk_bytes])


def test_chunks_are_read_as_one_stream(database: Database, place: Place) -> None:
    store(database, place, packed())
    with database.read() as connection:
        assert received_bytes(connection, place) == len(packed())
    assert b"".join(read_chunks(database, place)) == packed()
    assert b"".join(inflated(read_chunks(database, place))) == TEXT
    assert gzip.decompress(b"".join(gzipped(inflated(read_chunks(database, place))))) == TEXT
    assert fault_of(database, place, said(packed())) is None


@pytest.mark.parametrize(
    ("content", "changes", "fault"),
    [
        (packed()[:-9], {}, "have arrived"),
        (packed(), {"size_bytes": 99}, "more than the 99 bytes"),
        (packed(), {"size_bytes": len(TEXT) + 1}, "have arrived"),
        (packed(), {"sha256": "0" * 64}, "not what was sent"),
        (packed() + b"more", {}, "have arrived"),
        (b"no frame at all", {}, "cannot be read"),
        (packed(b"0" * 10**8), {"size_bytes": 1000}, "more than the 1000 bytes"),
    ],
)
def test_what_is_not_what_was_said_is_found(
    database: Database, place: Place, content: bytes, changes: dict[str, Any], fault: str
) -> None:
    store(database, place, content)
    stated = said(packed() if fault == "have arrived" else content, **changes)
    assert fault in (fault_of(database, place, stated) or "")


def test_nothing_has_arrived_where_nothing_was_sent(database: Database, place: Place) -> None:
    assert f"0 of {len(packed())} bytes" in (fault_of(database, place, said(packed())) or "")


def test_data_that_no_result_refers_to_is_removed(
    desk: "Desk", database: Database, place: Place
) -> None:
    other = Place(desk.start(), 1, place.sha256)
    for one in (place, other):
        store(database, one, packed())
    with database.write() as connection:
        discard_unused_data(connection, place.job_id)
        assert received_bytes(connection, place) == 0
        assert received_bytes(connection, other) == len(packed())
        discard_data(connection, [other.job_id])
        assert connection.execute(select(func.count()).select_from(large_data)).scalar_one() == 0


def test_an_address_is_one_whatever_a_task_is_called() -> None:
    assert data_url("j", "a/b ?") == "/api/v1/jobs/j/tasks/a%2Fb%20%3F/data"
