import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils.caller import Caller, checked

REFUSED_PATHS = {
    "../elsewhere": "cross-device",
    "absolute/file": "cross-device",
    "/proc/self/root/etc": "Too many levels",
    "absent": "No such file",
}
LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def own() -> Iterator[Caller]:
    """This thread itself."""
    with Caller(threading.get_native_id(), LIBC) as caller:
        yield caller


@pytest.fixture
def child(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a working directory and a standard error of its own."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def test_memory_is_read_in_pieces_and_written(own: Caller) -> None:
    buffer = ctypes.create_string_buffer(b"abcdef", 6)
    place = ctypes.addressof(buffer)
    assert own.read(place + 1, 3) == b"bcd"
    assert own.gather([(place + 4, 2), (place, 0), (place, 1)]) == b"efa"
    own.write(place, b"xy")
    assert buffer.raw == b"xycdef"


def test_nothing_is_read_where_nothing_is(own: Caller) -> None:
    assert own.read(0, 0) == b""
    with pytest.raises(OSError, match="Bad address"):
        own.read(8, 4)


def test_duplicate_leads_to_the_same_file(own: Caller) -> None:
    one, other = socket.socketpair()
    with one, other, socket.socket(fileno=own.duplicate(one.fileno())) as copy:
        copy.send(b"x")
        assert other.recv(1) == b"x"
    with pytest.raises(OSError, match="Bad file descriptor"):
        own.duplicate(-1)


def test_threads_can_call_as_well() -> None:
    buffer = ctypes.create_string_buffer(b"seen", 4)
    found: list[bytes] = []
    gate, over = threading.Event(), threading.Event()

    def wait() -> None:
        gate.set()
        over.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    gate.wait()
    assert thread.native_id is not None
    with Caller(thread.native_id, LIBC) as caller:
        found.append(caller.read(ctypes.addressof(buffer), 4))
        os.close(caller.duplicate(0))
    over.set()
    thread.join()
    assert found == [b"seen"]


def test_paths_are_those_that_the_caller_sees(
    child: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_text("x")
    (tmp_path / "absolute").symlink_to(tmp_path / "inner")
    with Caller(child.pid, LIBC) as caller:
        for path in ("inner/file", str(tmp_path / "inner/file"), str(tmp_path / "absolute/file")):
            handle = caller.open_path(path.encode())
            assert os.fstat(handle).st_size == 1
            os.close(handle)
        for path, reason in REFUSED_PATHS.items():
            with pytest.raises(OSError, match=reason):
                caller.open_path(path.encode())


def test_line_is_told_once_to_a_standard_error_that_is_a_pipe(
    child: "subprocess.Popen[bytes]",
) -> None:
    told: set[tuple[int, str]] = set()
    with Caller(child.pid, LIBC) as caller:
        for text in ("one\n", "two\n", "one\n"):
            caller.tell(text, told)
    assert child.communicate()[1] == b"one\ntwo\n"


def test_line_that_has_no_room_is_not_waited_for(child: "subprocess.Popen[bytes]") -> None:
    with Caller(child.pid, LIBC) as caller:
        for number in range(200):
            caller.tell(f"{number:04000}\n", set())
    assert 0 < len(child.communicate()[1]) < 200 * 4001


def test_signals_that_nobody_handles_or_that_are_blocked_do_not_count(own: Caller) -> None:
    assert not own.is_signalled()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert not own.is_signalled()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGUSR1, handler)


def test_nobody_is_no_caller() -> None:
    with pytest.raises(OSError, match="No such process"):
        Caller(2**22 + 1, LIBC)


def test_negative_answer_is_an_error() -> None:
    assert checked(3) == 3
    ctypes.set_errno(errno.EPERM)
    with pytest.raises(PermissionError):
        checked(-1)
