"""What a job prints: bounded, without secrets and control characters, in batches of some size."""

import codecs

from worker.controls import neutralise
from worker.redaction import Redactor

BATCH_BYTES = 16 * 1024
BATCH_SECONDS = 0.2  # from one batch of a stream to its next


class CapturedStream:
    """One of a job's two output streams, over all the children that it had."""

    def __init__(self, name: str, limit_bytes: int, redactor: Redactor) -> None:
        self.name = name
        self._limit_bytes = limit_bytes
        self._left_bytes = limit_bytes
        self._is_cut = False
        self._redactor = redactor
        self._pending = ""
        self._next_batch_at = 0.0
        self._begin()

    @property
    def is_full(self) -> bool:
        """Whether the limit has been passed, so that nothing more is kept."""
        return self._is_cut

    def feed(self, chunk: bytes) -> None:
        """Take what was printed; beyond the limit it is dropped."""
        if not self._is_cut:
            self._take(self._redacted.feed(chunk))

    def end_child(self) -> None:
        """Note that the child that printed is gone; another may follow."""
        if not self._is_cut:
            self._take(self._redacted.finish(), final=True)
        self._begin()

    def batches(self, now: float, *, final: bool = False) -> list[str]:
        """Return the texts to pass on at the time `now`: one, or with `final` all that are left."""
        texts: list[str] = []
        while self._pending and (final or now >= self._next_batch_at):
            batch = _first_batch(self._pending)
            self._pending = self._pending[len(batch) :]
            self._next_batch_at = now + BATCH_SECONDS
            texts.append(batch)
        return texts

    def next_batch_at(self) -> float | None:
        """Return when a batch is due; None while there is none."""
        return self._next_batch_at if self._pending else None

    def _begin(self) -> None:
        self._redacted = self._redactor.stream()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open_line_end = ""

    def _take(self, data: bytes, *, final: bool = False) -> None:
        kept = data[: self._left_bytes]
        self._left_bytes -= len(kept)
        self._is_cut = len(data) > len(kept)
        final = final or self._is_cut
        text = self._open_line_end + self._decoder.decode(kept, final=final)
        # A chunk may end between the two halves of a line end.
        self._open_line_end = "\r" if text.endswith("\r") and not final else ""
        self._pending += neutralise(text.removesuffix(self._open_line_end))
        if self._is_cut:
            self._pending += f"\n[output cut at {self._limit_bytes} bytes]\n"


def _first_batch(text: str) -> str:
    head = text[:BATCH_BYTES].encode()[:BATCH_BYTES].decode(errors="ignore")
    if len(head) == len(text):
        return head
    return head[: head.rfind("\n") + 1] or head
