import gzip
import io
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from utils.zstd import Inflating, ZstdCompressor

if TYPE_CHECKING:
    from tests.api.desk import Desk

pytestmark = pytest.mark.one_database

ROUTE = "/api/v1/deployments"
BODY = {"name": "prod", "integration": "tool", "config": {"text": "x" * 4000}}
PLAIN = json.dumps(BODY).encode()


def zstd(content: bytes) -> bytes:
    return ZstdCompressor().compress(content, ZstdCompressor.FLUSH_FRAME)


def send(client: FlaskClient, body: bytes, coding: str, **headers: str) -> TestResponse:
    known = {"Content-Encoding": coding, "Content-Type": "application/json"} | headers
    return client.post(ROUTE, data=body, headers=known)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PLAIN)),
        ("GZIP", gzip.compress(PLAIN)),
        ("zstd", zstd(PLAIN)),
        ("identity", PLAIN),
    ],
    ids=["gzip", "GZIP", "zstd", "identity"],
)
def test_compressed_body_is_read(desk: "Desk", coding: str, body: bytes) -> None:
    answer = send(desk.client, body, coding)
    assert (answer.status_code, answer.get_json()["config"]) == (201, BODY["config"])


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "compress"])
def test_other_coding_is_refused_with_those_there_are(desk: "Desk", coding: str) -> None:
    answer = send(desk.client, PLAIN, coding)
    assert answer.status_code == 415
    assert "gzip" in answer.get_json()["advice"]


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", PLAIN),
        ("gzip", gzip.compress(PLAIN)[:-12]),
        ("gzip", gzip.compress(PLAIN) + b"more"),
        ("zstd", PLAIN),
        ("zstd", zstd(PLAIN)[:-3]),
        ("zstd", zstd(PLAIN) + b"more"),
    ],
    ids=["gzip-none", "gzip-short", "gzip-long", "zstd-none", "zstd-short", "zstd-long"],
)
def test_broken_stream_is_refused(desk: "Desk", coding: str, body: bytes) -> None:
    answer = send(desk.client, body, coding)
    assert answer.status_code == 400, answer.data
    assert "Content-Encoding" in answer.get_json()["detail"]


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_bomb_is_refused_before_it_is_inflated(desk: "Desk", compress: Any) -> None:
    bomb = compress(b"[" + b" " * 200_000_000)
    coding = "gzip" if compress is gzip.compress else "zstd"
    tracemalloc.start()
    answer = send(desk.client, bomb, coding)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak_bytes < 16_000_000


def test_body_that_stays_small_when_inflated_is_bounded_too(desk: "Desk") -> None:
    answer = send(desk.client, gzip.compress(b"") * 60_000, "gzip")
    assert answer.status_code in {400, 413}


def test_chunked_body_is_not_cut_off(desk: "Desk") -> None:
    for size, status in ((1000, 201), (2_000_000, 413)):
        answer = desk.client.post(
            ROUTE,
            input_stream=io.BytesIO(PLAIN + b" " * size),
            content_type="application/json",
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert answer.status_code == status, answer.data


def test_unread_body_is_not_inflated(desk: "Desk") -> None:
    answer = desk.client.post("/nowhere", data=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip", "gzip"), ("zstd, gzip", "zstd"), ("gzip;q=1, zstd;q=0.5", "gzip"), ("br", None)],
)
def test_large_answer_is_compressed_as_asked(
    desk: "Desk", accepted: str, coding: str | None
) -> None:
    for number in range(9):
        desk.deploy(f"n{number}")
    plain = desk.client.get(ROUTE)
    answer = desk.client.get(ROUTE, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == coding
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert answer.content_length == len(answer.data)
    content = answer.data
    if coding == "gzip":
        content = gzip.decompress(content)
    elif coding == "zstd":
        content = b"".join(Inflating().feed(content))
    assert content == plain.data
    assert (len(answer.data) < len(plain.data) / 2) is (coding is not None)


def test_small_answer_is_sent_as_it_is(client: FlaskClient) -> None:
    answer = client.get("/health/live", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_events_are_not_compressed(desk: "Desk") -> None:
    job_id = desk.run({"name": "check"})
    answer = desk.client.get(f"/api/v1/jobs/{job_id}/events", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert b"event: end" in answer.data
