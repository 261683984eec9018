from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.api_errors import ApiRefused, ApiUnavailable
from worker.backoff import Backoff
from worker.large_files import Attempt, LargeFiles
from worker.lease import Lease
from worker.outbox import StoredEvent
from worker.uploads import CHUNK_BYTES, Uploads

A, B = Lease("a", 1, "ta"), Lease("b", 1, "tb")
Eventually = Callable[[Callable[[], object]], None]


class Receiver:
    """What an API does with chunks; `trouble` is raised first."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.asked: list[tuple[str, int, int]] = []
        self.trouble: list[Exception] = []
        self.open = threading.Event()
        self.open.set()

    def take(self, lease: Lease, sha256: str, start: int, chunk: bytes) -> int:
        self.open.wait(20)
        self.asked.append((lease.job_id, start, len(chunk)))
        if self.trouble:
            raise self.trouble.pop(0)
        have = self.content.get(sha256, b"")
        if start == len(have):
            have = self.content[sha256] = have + chunk
        return len(have)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def files(tmp_path: Path) -> LargeFiles:
    return LargeFiles(tmp_path / "large")


@pytest.fixture
def uploads(files: LargeFiles, receiver: Receiver) -> Iterator[Uploads]:
    uploads = Uploads(files, receiver.take, Backoff(0.01, 0.02), lambda: None)
    uploads.start()
    yield uploads
    receiver.open.set()
    uploads.stop()


def large_event(files: LargeFiles, lease: Lease, text: bytes = b"[1]", seq: int = 1) -> StoredEvent:
    file = files.new(Attempt(lease.job_id, lease.attempt))
    file.write(text)
    result: dict[str, Any] = {"name": "t", "data": None, "large_data": file.finish().as_json()}
    payload = json.dumps({"type": "task_finished", "result": result})
    return StoredEvent(lease, seq, "task_finished", 9, payload)


def plain(lease: Lease, seq: int, text: str = "{}") -> StoredEvent:
    return StoredEvent(lease, seq, "task_finished", 9, text)


def noise(size: int) -> bytes:
    return b"".join(
        n.to_bytes(4, "big") for n in (hash((n, 7)) & 0xFFFFFFFF for n in range(size // 4))
    )


def test_events_wait_for_their_file_and_others_do_not(
    files: LargeFiles, uploads: Uploads, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.open.clear()
    event = large_event(files, A, seq=2)
    events = [plain(A, 1), event, plain(A, 3), plain(B, 1)]
    assert uploads.ready(events) == [plain(A, 1), plain(B, 1)]
    assert uploads.waiting() == {A}
    assert uploads.ready(events) == [plain(B, 1)]
    receiver.open.set()
    eventually(lambda: not uploads.waiting())
    assert uploads.ready(events) == events
    uploads.settle(events)
    assert list(files.directory.glob("*")) == []


def test_a_large_file_goes_in_chunks_from_where_the_api_has_it_to(
    files: LargeFiles, uploads: Uploads, receiver: Receiver, eventually: Eventually
) -> None:
    event = large_event(files, A, noise(3 * CHUNK_BYTES))
    large = json.loads(event.payload)["result"]["large_data"]
    content = files.path(Attempt("a", 1), large["sha256"]).read_bytes()
    receiver.content[large["sha256"]] = content[: CHUNK_BYTES + 99]
    receiver.trouble = [ApiUnavailable("away", "wait"), ApiRefused(401, {})]
    uploads.ready([event])
    eventually(lambda: not uploads.waiting())
    assert receiver.content[large["sha256"]] == content
    assert receiver.asked[:4] == [("a", 0, 0)] * 3 + [("a", CHUNK_BYTES + 99, CHUNK_BYTES)]


@pytest.mark.parametrize(
    "trouble",
    [
        ApiRefused(409, {"detail": "lost"}),
        ApiRefused(413, {}),
        ApiRefused(404, {"type": "urn:trueline:problem:not-found"}),
    ],
)
def test_a_file_that_is_refused_for_good_lets_the_event_find_out(
    files: LargeFiles,
    uploads: Uploads,
    receiver: Receiver,
    eventually: Eventually,
    trouble: ApiRefused,
) -> None:
    receiver.trouble = [trouble]
    event = large_event(files, A)
    uploads.ready([event])
    eventually(lambda: not uploads.waiting())
    assert uploads.ready([event]) == [event]
    assert receiver.content == {}


def test_an_attempt_that_is_dropped_is_forgotten_even_while_it_is_sent(
    files: LargeFiles, uploads: Uploads, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.open.clear()
    uploads.ready([large_event(files, A), large_event(files, B, b"[2]")])
    uploads.forget(A)
    assert uploads.waiting() == {B}
    receiver.open.set()
    eventually(lambda: not uploads.waiting())
    assert len(list(files.directory.glob("*/*"))) == 1
    uploads.forget(B)
    assert list(files.directory.glob("*")) == []


def test_a_file_that_is_gone_but_was_sent_before_is_done(
    files: LargeFiles, uploads: Uploads, receiver: Receiver, eventually: Eventually
) -> None:
    event = large_event(files, A)
    large = json.loads(event.payload)["result"]["large_data"]
    receiver.content[large["sha256"]] = b"x" * large["stored_bytes"]
    files.remove_all(Attempt("a", 1))
    uploads.ready([event])
    eventually(lambda: not uploads.waiting())
    assert uploads.ready([event]) == [event]


def test_data_that_only_looks_like_it_is_no_large_data(files: LargeFiles, uploads: Uploads) -> None:
    result = {"name": "t", "data": {"large_data": {"sha256": "x"}}}
    event = plain(A, 1, json.dumps({"type": "task_finished", "result": result}))
    assert uploads.ready([event]) == [event]
    assert not files.directory.exists()
