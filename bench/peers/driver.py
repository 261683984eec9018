"""Submits work to a peer, one at a time, from a process of the peer's own environment."""

import os
import select
import time
from typing import Self

from bench.peers.processes import PeerUnavailable, Processes

START_SECONDS = 120.0
WORK_SECONDS = 60.0
_LOOP = """
import json, sys, time
answers, sys.stdout = sys.stdout, sys.stderr
submit = ready(*sys.argv[1:])
while True:
    print("ok", file=answers, flush=True)
    if not sys.stdin.readline():
        break
    began = time.perf_counter()
    result = submit()
    seconds = time.perf_counter() - began
    if result != {"answer": 42}:
        raise SystemExit(f"unexpected result: {result!r}")
    print(seconds, file=answers, flush=True)
"""


class Driver:
    """Runs code that defines `ready(...)`: it returns a function that submits and waits."""

    def __init__(self, processes: Processes, command: list[str]) -> None:
        interpreter, flag, code, *arguments = command
        self._processes = processes
        self._process = processes.pipe([interpreter, flag, code + _LOOP, *arguments])
        self._unread = b""
        try:
            self._read(START_SECONDS)
        except BaseException:
            self.close()
            raise

    def seconds(self) -> float:
        """Submit once; return how long it took until the result was seen."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        seconds = float(self._read(WORK_SECONDS))
        self._read(WORK_SECONDS)
        return seconds

    def close(self) -> None:
        """End it; it has nothing to save."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, seconds: float) -> bytes:
        """Read one line; raises PeerUnavailable when the driver ends or takes too long."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        pipe = self._process.stdout.fileno()
        end = time.monotonic() + seconds
        while b"\n" not in self._unread:
            left = end - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise PeerUnavailable(f"no result within {seconds:.0f} s")
            chunk = os.read(pipe, 4096)
            if not chunk:
                self._process.wait()
                raise PeerUnavailable(self._processes.last_words("driver"))
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line
