"""A thread whose system call waits for the guard: its memory, its descriptors, its files."""

import ctypes
import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

_PIDFD_OPEN, _PIDFD_GETFD, _OPENAT2 = 434, 438, 437  # the same on every architecture
_PIDFD_THREAD = os.O_EXCL
_NO_MAGIC_LINKS, _BENEATH, _IN_ROOT = 0x02, 0x08, 0x10  # RESOLVE_*
_STANDARD_ERROR = 2


class _Piece(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _How(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class Caller:
    """One thread by its number; close it. All of it raises OSError.

    What it says is true of that thread only while its call still waits: ask for that afterwards.
    """

    def __init__(self, thread: int, libc: ctypes.CDLL) -> None:
        self.thread = thread
        self._libc = libc
        self._process = self._open_process()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._process)

    def read(self, address: int, size: int) -> bytes:
        """Return a piece of its memory."""
        return self.gather([(address, size)])

    def gather(self, pieces: list[tuple[int, int]]) -> bytes:
        """Return several pieces of its memory as one."""
        size = sum(length for _, length in pieces)
        if not size:
            return b""
        buffer = ctypes.create_string_buffer(size)
        theirs = (_Piece * len(pieces))(*(_Piece(*one) for one in pieces))
        ours = _Piece(ctypes.addressof(buffer), size)
        self._move(self._libc.process_vm_readv, ours, theirs)
        return buffer.raw

    def write(self, address: int, data: bytes) -> None:
        """Change its memory, as a call does that returns something there."""
        buffer = ctypes.create_string_buffer(data, len(data))
        theirs = (_Piece * 1)(_Piece(address, len(data)))
        self._move(
            self._libc.process_vm_writev, _Piece(ctypes.addressof(buffer), len(data)), theirs
        )

    def duplicate(self, descriptor: int) -> int:
        """Return a descriptor of our own for what one of its descriptors leads to."""
        return self._call(_PIDFD_GETFD, self._process, ctypes.c_int(descriptor), 0)

    def open_path(self, path: bytes) -> int:
        """Return a handle of what it sees at a path; links are followed in absolute ones alone."""
        anchor, how = ("root", _IN_ROOT) if path.startswith(b"/") else ("cwd", _BENEATH)
        folder = os.open(f"/proc/{self.thread}/{anchor}", os.O_PATH | os.O_DIRECTORY)
        try:
            asked = _How(os.O_PATH | os.O_CLOEXEC, 0, how | _NO_MAGIC_LINKS)
            size = ctypes.c_size_t(ctypes.sizeof(asked))
            return self._call(_OPENAT2, folder, path, ctypes.byref(asked), size)
        finally:
            os.close(folder)

    def is_signalled(self) -> bool:
        """Whether a signal that it handles waits for its call to end."""
        said = self._status()
        own, shared, blocked, caught = (
            int(said[name], 16) for name in ("SigPnd", "ShdPnd", "SigBlk", "SigCgt")
        )
        return bool((own | shared) & caught & ~blocked)

    def tell(self, text: str, told: set[tuple[int, str]]) -> None:
        """Write a line to its standard error, if that is a pipe with room; each line once."""
        with suppress(OSError):
            copy = self.duplicate(_STANDARD_ERROR)
            try:
                status = os.fstat(copy)
                if stat.S_ISFIFO(status.st_mode) and (status.st_ino, text) not in told:
                    told.add((status.st_ino, text))
                    _write_without_waiting(copy, text)
            finally:
                os.close(copy)

    def _open_process(self) -> int:
        try:
            return self._call(_PIDFD_OPEN, self.thread, _PIDFD_THREAD)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return self._call(_PIDFD_OPEN, int(self._status()["Tgid"]), 0)  # before Linux 6.9

    def _status(self) -> dict[str, str]:
        text = Path(f"/proc/{self.thread}/status").read_text("utf-8", "replace")
        return dict(line.split(":", 1) for line in text.splitlines())

    def _move(self, move: Any, ours: _Piece, theirs: "ctypes.Array[_Piece]") -> None:
        moved = move(self.thread, ctypes.byref(ours), 1, theirs, len(theirs), 0)
        if moved != ours.length:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))

    def _call(self, number: int, *arguments: Any) -> int:
        return checked(self._libc.syscall(ctypes.c_long(number), *arguments))


def checked(result: int) -> int:
    """Return what the C library answered; raises OSError."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _write_without_waiting(pipe: int, text: str) -> None:
    # A description of our own: to make the job's own non-blocking would show there.
    mine = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.write(mine, text.encode())
    finally:
        os.close(mine)
