"""Reads the file that a child writes a task's large data to, while it grows."""

import os
import stat
from collections.abc import Callable

from worker.data_lines import DataLines, Unsound
from worker.errors import WorkerError
from worker.large_files import LargeData, LargeFile
from worker.long_text import LongText
from worker.pinned import open_pinned
from worker.redaction import Redactor

BLOCK_BYTES = 256 * 1024
# Each line costs time, and while one job's are read others wait. The SDK's are longer by far, where
# there are many.
LINES_AT_FIRST, LEAST_LINE_BYTES = 1000, 64
LINE_BYTES = 4 * 1024 * 1024  # a longer line is one long text


class CannotKeep(WorkerError):  # noqa: N818 - reads as the state it reports
    """There is no room for large data on this worker."""


class DataReading:
    """One file of one task; what is wrong with it is told at the end, by `finish`."""

    def __init__(
        self,
        path: str,
        redactor: Redactor,
        limit_bytes: int,
        file: LargeFile,
        line_bytes: int = LINE_BYTES,
    ) -> None:
        self._lines = DataLines(redactor)
        self._limit_bytes = limit_bytes
        self._line_bytes = line_bytes
        self._file = file
        self.read_bytes = 0
        self._text_bytes = 0  # without line ends
        self._ended_lines = 0
        self._held: list[bytes] = []  # of a line that has not ended
        self._held_bytes = 0
        self._text: LongText | None = None
        self._fault: str | None = None
        self._descriptor: int | None = None
        try:
            self._descriptor = _open(path)
        except (OSError, Unsound) as error:
            self._fault = f"its file cannot be read: {error}"

    def read_to(self, size_bytes: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Read on, to so many bytes from the beginning or until `is_over`; raises CannotKeep."""
        while self._fault is None and self.read_bytes < size_bytes and not is_over():
            try:
                self._take(self._next_block(size_bytes))
            except Unsound as error:
                self._fault = str(error)

    def finish(self, size_bytes: int) -> LargeData:
        """Read the rest and return what was kept; raises Unsound, and CannotKeep."""
        self.read_to(size_bytes)
        if self._fault is None:
            self._lines.finish()
            if self._held or self._text is not None:
                raise Unsound("its last line has no end")
        else:
            raise Unsound(self._fault)
        try:
            return self._file.finish()
        except OSError as error:
            raise no_room(error) from error

    def close(self) -> None:
        """Read no more; what was not finished is removed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._file.discard()

    def _next_block(self, size_bytes: int) -> bytes:
        if self._descriptor is None:
            raise Unsound("it is closed")
        try:
            block = os.read(self._descriptor, min(BLOCK_BYTES, size_bytes - self.read_bytes))
        except OSError as error:
            raise Unsound(f"its file cannot be read: {error.strerror}") from error
        if not block:
            raise Unsound("its file is shorter than was said")
        self.read_bytes += len(block)
        return block

    def _take(self, block: bytes) -> None:
        *ends, rest = block.split(b"\n")
        for end in ends:
            self._hold(end)
            self._end_line()
        self._hold(rest)

    def _hold(self, piece: bytes) -> None:
        self._text_bytes += len(piece)
        if self._text_bytes > self._limit_bytes:
            raise Unsound(
                f"at least {self._text_bytes:,} bytes as JSON, more than the limit of "
                f"{self._limit_bytes:,} bytes"
            )
        if self._text is not None:
            self._pass_on(_fed(self._text, piece))
        elif piece:
            self._held.append(piece)
            self._held_bytes += len(piece)
            if self._held_bytes > self._line_bytes:
                self._begin_text()

    def _begin_text(self) -> None:
        lead, self._text, first = self._lines.begin_text(self._taken_line())
        self._pass_on(lead)
        self._pass_on(_fed(self._text, first))

    def _end_line(self) -> None:
        self._ended_lines += 1
        if self._ended_lines > LINES_AT_FIRST + self._text_bytes // LEAST_LINE_BYTES:
            raise Unsound("too many short lines")
        if self._text is None:
            self._pass_on(self._lines.take(self._taken_line()) + b"\n")
            return
        try:
            last, behind = self._text.finish()
        except ValueError as error:
            raise Unsound(str(error)) from error
        if behind:
            raise Unsound("something follows a long text")
        self._text = None
        self._pass_on(last + b'"\n')

    def _taken_line(self) -> bytes:
        line = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return line

    def _pass_on(self, piece: bytes) -> None:
        try:
            self._file.write(piece)
        except OSError as error:
            raise no_room(error) from error


def _open(path: str) -> int:
    # The file is the child's: no link is followed, no pipe waited for.
    descriptor = open_pinned(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unsound("it is no file")
    return descriptor


def _fed(text: LongText, piece: bytes) -> bytes:
    try:
        return text.feed(piece)
    except ValueError as error:
        raise Unsound(f"it cannot be read: {error}") from error


def no_room(error: OSError) -> CannotKeep:
    """Return what to raise where a file cannot be written."""
    return CannotKeep(
        f"large data cannot be kept until the API has it: {error.strerror}",
        "free some room on the disk of the data directory; then run the job again",
    )
