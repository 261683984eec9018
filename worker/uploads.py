"""Brings large data to the API, file by file, before the events that speak of it."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from utils.failpoints import failpoint
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.backoff import Backoff
from worker.large_files import Attempt, LargeFiles
from worker.lease import Lease
from worker.outbox import StoredEvent

CHUNK_BYTES = 1024 * 1024
LOOK_SECONDS = 5.0
FINAL = frozenset({400, 409, 413, 422})  # sending again cannot help
_SIGN = '"large_data": {'  # as json.dumps writes it

log = structlog.get_logger()


@dataclass(frozen=True)
class _Upload:
    lease: Lease
    sha256: str
    stored_bytes: int


class Uploads:
    """One thread, so that the events of other jobs need not wait for a large file.

    A file is done once the API has it, and also where it never will: the API answers the event
    itself with what is wrong then. `send` gives the API a chunk and returns how much it has.
    """

    def __init__(
        self,
        files: LargeFiles,
        send: Callable[[Lease, str, int, bytes], int],
        backoff: Backoff,
        progress: Callable[[], None],
    ) -> None:
        self._files = files
        self._send = send
        self._backoff = backoff
        self._progress = progress
        self._changed = threading.Condition()
        self._waiting: deque[_Upload] = deque()
        self._done: set[_Upload] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uploads", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End after the chunk under way; what is not sent stays on disk for the next start."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def waiting(self) -> frozenset[Lease]:
        """Return the leases whose next event waits for a file."""
        with self._changed:
            return frozenset(upload.lease for upload in self._waiting)

    def ready(self, events: Iterable[StoredEvent]) -> list[StoredEvent]:
        """Return the events that can be sent now; begin with the files that others wait for."""
        ready, held_back = [], set(self.waiting())
        for event in events:
            upload = _upload_of(event)
            if upload is not None and event.lease not in held_back and not self._begin(upload):
                held_back.add(event.lease)
            if event.lease not in held_back:
                ready.append(event)
        return ready

    def settle(self, events: Iterable[StoredEvent]) -> None:
        """Remove the files of events that are on record."""
        for upload in filter(None, map(_upload_of, events)):
            self._files.remove(_attempt(upload.lease), upload.sha256)
            with self._changed:
                self._done.discard(upload)

    def forget(self, lease: Lease) -> None:
        """Remove all that is left of an attempt about which nothing more is sent."""
        self._files.remove_all(_attempt(lease))
        with self._changed:
            self._done = {upload for upload in self._done if upload.lease != lease}
            self._waiting = deque(upload for upload in self._waiting if upload.lease != lease)

    def _begin(self, upload: _Upload) -> bool:
        """Whether a file is done; otherwise it is sent as soon as those before it are."""
        with self._changed:
            if upload in self._done:
                return True
            self._waiting.append(upload)
            self._changed.notify_all()
            return False

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stop.is_set(), LOOK_SECONDS)
                upload = self._waiting[0] if self._waiting else None
            if upload is not None:
                self._bring(upload)

    def _bring(self, upload: _Upload) -> None:
        try:
            self._send_file(upload)
        except ApiUnavailable as error:
            self._stop.wait(self._backoff.next(error.retry_after_seconds))
            return
        except ApiRefused as error:
            if not _is_final(error):  # the operator has to see to it, such as a token
                self._stop.wait(self._backoff.next())
                return
            log.warning("large data refused", job_id=upload.lease.job_id, reason=error.reason)
        except OSError as error:
            log.warning("large data unreadable", job_id=upload.lease.job_id, reason=str(error))
        self._backoff.reset()
        if self._stop.is_set():
            return
        with self._changed:
            if upload in self._waiting:  # unless it was forgotten meanwhile
                self._waiting.remove(upload)
                self._done.add(upload)
        self._progress()

    def _send_file(self, upload: _Upload) -> None:
        """Send from where the API has it to; the API says so after each chunk."""
        received = self._send(upload.lease, upload.sha256, 0, b"")
        if received == upload.stored_bytes:
            return
        path = self._files.path(_attempt(upload.lease), upload.sha256)
        with path.open("rb") as file:
            while received < upload.stored_bytes and not self._stop.is_set():
                file.seek(received)
                chunk = file.read(CHUNK_BYTES)
                failpoint("uploads.before_chunk")
                received = self._send(upload.lease, upload.sha256, received, chunk)


def _is_final(error: ApiRefused) -> bool:
    kind = str(error.problem.get("type", ""))
    return error.status in FINAL or kind.endswith(":not-found")  # the job, not the address


def _upload_of(event: StoredEvent) -> _Upload | None:
    if event.type != "task_finished" or _SIGN not in event.payload:
        return None
    large = json.loads(event.payload)["result"].get("large_data")
    return _Upload(event.lease, large["sha256"], large["stored_bytes"]) if large else None


def _attempt(lease: Lease) -> Attempt:
    return Attempt(lease.job_id, lease.attempt)
