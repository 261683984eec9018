import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from flask_openapi.openapi import OpenAPI
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from api.database import Database
from api.tables import large_data
from utils.zstd import Inflating, ZstdCompressor

if TYPE_CHECKING:
    from tests.api.desk import Desk


VALUE = {"items": [{"n": n, "text": "x" * 50} for n in range(20_000)]}
TEXT = json.dumps(VALUE).encode()
COMPRESSOR = ZstdCompressor(level=1)
CONTENT = COMPRESSOR.compress(TEXT) + COMPRESSOR.flush()
SHA = hashlib.sha256(CONTENT).hexdigest()
LARGE = {"sha256": SHA, "size_bytes": len(TEXT), "stored_bytes": len(CONTENT)}


@pytest.fixture(autouse=True)
def _unchecked(app: OpenAPI) -> None:
    """Leave streams alone: to check an answer, flask-openapi would read it as one document."""
    app.validate_response = False


@pytest.fixture
def lease(desk: "Desk") -> dict[str, Any]:
    desk.start()
    (lease,) = desk.lease()
    desk.good(desk.send(lease, desk.started(lease)))
    return lease


def put(
    desk: "Desk", lease: dict[str, Any], start: int, chunk: bytes, **changes: Any
) -> TestResponse:
    address = f"/api/v1/jobs/{lease['job_id']}/data/{SHA}?attempt={lease['attempt']}&start={start}"
    headers = {"X-Trueline-Lease": lease["token"]} | changes
    return desk.client.put(address, data=chunk, headers=headers)


def upload(desk: "Desk", lease: dict[str, Any]) -> None:
    start = 0
    while start < len(CONTENT):
        chunk = CONTENT[start : start + 3000]
        start = desk.good(put(desk, lease, start, chunk))["received_bytes"]


def report(desk: "Desk", lease: dict[str, Any], **fields: Any) -> TestResponse:
    result = desk.finished(lease, "check", **({"data": None, "large_data": LARGE} | fields))
    return desk.send(lease, result, desk.ended(lease))


def read(
    desk: "Desk", lease: dict[str, Any], task: str = "check", coding: str = ""
) -> TestResponse:
    address = f"/api/v1/jobs/{lease['job_id']}/tasks/{task}/data"
    return desk.client.get(address, headers={"Accept-Encoding": coding} if coding else {})


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(large_data)).scalar_one()


def test_large_data_is_listed_by_its_size_and_read_at_its_address(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    upload(desk, lease)
    assert desk.good(report(desk, lease))["outcomes"][0]["status"] == "recorded"
    (task,) = desk.good(desk.client.get(f"/api/v1/jobs/{lease['job_id']}/tasks"))["items"]
    assert task["data"] is None
    address = f"/api/v1/jobs/{lease['job_id']}/tasks/check/data"
    assert task["large_data"] == LARGE | {"url": address}
    assert desk.client.get(address).json == VALUE


def test_the_reader_says_how_it_is_compressed(desk: "Desk", lease: dict[str, Any]) -> None:
    upload(desk, lease)
    desk.good(report(desk, lease))
    plain, packed, zipped = (
        read(desk, lease, coding=it) for it in ("identity", "zstd", "gzip, br")
    )
    assert (plain.data, plain.content_length) == (TEXT, len(TEXT))
    assert packed.headers["Content-Encoding"] == "zstd"
    assert (b"".join(Inflating().feed(packed.data)), packed.content_length) == (TEXT, len(CONTENT))
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == TEXT
    assert {it.headers["Vary"] for it in (plain, packed, zipped)} == {"Accept-Encoding"}


def test_small_data_is_read_at_the_same_kind_of_address(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    desk.good(report(desk, lease, data={"a": 1}, large_data=None))
    assert read(desk, lease).json == {"a": 1}
    assert read(desk, lease, "none").status_code == 404


def test_a_result_whose_data_has_not_arrived_fails_the_job(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    put(desk, lease, 0, CONTENT[:100])
    refused = report(desk, lease)
    assert refused.status_code == 409
    job = desk.job(lease["job_id"])
    assert job["status"] == "failed"
    assert f"100 of {len(CONTENT)} bytes of its data have arrived" in job["error"]["reason"]


def test_what_was_uploaded_for_a_lost_attempt_is_removed(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    upload(desk, lease)
    named = {name: lease[name] for name in ("job_id", "attempt", "token")}
    desk.good(desk.client.post("/api/v1/leases/release", json={"worker": "w1", "leases": [named]}))
    assert put(desk, lease, 0, CONTENT).status_code == 409
    assert stored(database) > 0
    desk.lease()
    assert stored(database) == 0


def test_a_failed_job_keeps_what_its_results_refer_to_and_nothing_else(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    upload(desk, lease)
    other = f"/api/v1/jobs/{lease['job_id']}/data/{'b' * 64}?attempt=1&start=0"
    desk.good(desk.client.put(other, data=b"x", headers={"X-Trueline-Lease": lease["token"]}))
    before = stored(database)
    result = desk.finished(lease, "check", data=None, large_data=LARGE)
    desk.good(desk.send(lease, result, desk.ended(lease, "failed")))
    assert stored(database) == before - 1
    assert read(desk, lease).json == VALUE


def test_a_violation_says_that_its_data_is_elsewhere(desk: "Desk", lease: dict[str, Any]) -> None:
    upload(desk, lease)
    desk.good(report(desk, lease, verdict="fail"))
    (violation,) = desk.violations()
    assert violation["data"] == {"omitted": "the task's result has it", "size_bytes": len(TEXT)}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("attempt=1&start=-1", 422),
        ("attempt=0&start=0", 422),
        ("start=0", 422),
        ("attempt=1&start=x", 422),
    ],
)
def test_a_chunk_without_a_place_is_refused(
    desk: "Desk", lease: dict[str, Any], query: str, status: int
) -> None:
    address = f"/api/v1/jobs/{lease['job_id']}/data/{SHA}?{query}"
    assert desk.client.put(address, data=b"x").status_code == status
    assert desk.client.put(f"/api/v1/jobs/x/data/short?{query}", data=b"x").status_code == 422


def test_a_chunk_that_is_too_large_is_refused(desk: "Desk", lease: dict[str, Any]) -> None:
    assert put(desk, lease, 0, b"x" * (1024 * 1024 + 1)).status_code == 413


def test_data_here_and_large_at_once_is_no_result(desk: "Desk", lease: dict[str, Any]) -> None:
    upload(desk, lease)
    assert report(desk, lease, data={}).status_code == 409
