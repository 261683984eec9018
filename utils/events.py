"""The event channel: what a child process reports, one JSON object a line on a descriptor."""

import json
import os
from _thread import allocate_lock
from collections.abc import Mapping
from typing import Any, Protocol


class Channel(Protocol):
    """Takes what a job reports."""

    def send(self, event: Mapping[str, Any]) -> None:
        """Take an event."""

    def send_result(self, result: str) -> None:
        """Take a result that is JSON text already."""

    def mention(self, event: Mapping[str, Any]) -> None:
        """Take one small event, or leave it out."""


HELD_SECONDS = 2.0  # a small event takes microseconds, unless the worker reads nothing


class EventChannel:
    """The writing end; programs that the plugin starts or forks never hold it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._lock = allocate_lock()
        os.set_inheritable(descriptor, False)
        os.set_blocking(descriptor, True)
        os.register_at_fork(after_in_child=self.close)

    def send(self, event: Mapping[str, Any]) -> None:
        """Write one event and return when the system has it whole."""
        self._write(json.dumps(event, ensure_ascii=False, separators=(",", ":")))

    def send_result(self, result: str) -> None:
        """Write `task_finished` with a result that is JSON text already."""
        self._write(f'{{"type":"task_finished","result":{result}}}')

    def mention(self, event: Mapping[str, Any]) -> None:
        """Write one small event from any thread; it is left out while another is written."""
        if self._descriptor is None or not self._lock.acquire(blocking=False):
            return
        try:
            self._write_line(json.dumps(event, separators=(",", ":")))
        finally:
            self._lock.release()

    def close(self) -> None:
        """Report nothing more, from here or from any fork."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: str) -> None:
        # A thread that was ended at its deadline may hold it for ever.
        is_held = self._lock.acquire(timeout=HELD_SECONDS)
        try:
            self._write_line(line)
        finally:
            if is_held:
                self._lock.release()

    def _write_line(self, line: str) -> None:
        if self._descriptor is None:
            raise OSError("the event channel is closed: this process is a fork of the job's")
        write_whole(self._descriptor, f"{line}\n".encode())


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of the content, however little the system takes at a time."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
