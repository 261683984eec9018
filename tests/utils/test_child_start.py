import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from utils.child_start import Origin, Waiting, receive_request
from utils.supervisor import load_prctl

LARGE = 1024 * 1024  # more than a socket takes at once


def tell_what_is_open(request: Mapping[str, Any], begun: Callable[[], None]) -> NoReturn:
    begun()
    opened = sorted(fd for fd in range(64) if is_open(fd))
    told = {"open": opened, "size": len(request["argv"][0]), "cwd": str(Path.cwd())}
    os.write(3, json.dumps(told).encode())
    os._exit(7)


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


@pytest.fixture
def origin() -> Origin:
    return Origin(load_prctl(), (), tell_what_is_open)


@pytest.fixture
def fds() -> Iterator[list[int]]:
    """What a child gets as its channels; the last is the reading end of its events."""
    nothing = os.open(os.devnull, os.O_RDWR)
    read, write = os.pipe()
    yield [nothing, nothing, nothing, write, read]
    for fd in (nothing, write, read):
        os.close(fd)


def request_of(directory: Path, argument: str = "") -> bytes:
    return json.dumps({"argv": [argument], "cwd": str(directory), "rlimits": {}}).encode() + b"\n"


def answer_of(pid: int | None, fds: list[int]) -> dict[str, Any]:
    assert pid is not None
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    told: dict[str, Any] = json.loads(os.read(fds[-1], 65536))
    return told


def end(waiting: Waiting) -> int:
    waiting.requests.close()
    return os.waitstatus_to_exitcode(os.waitpid(waiting.pid, 0)[1])


def test_child_has_its_channels_alone(origin: Origin, fds: list[int], tmp_path: Path) -> None:
    told = answer_of(origin.fork(request_of(tmp_path), fds[:4]), fds)
    assert told == {"open": [0, 1, 2, 3], "size": 0, "cwd": str(tmp_path)}


def test_child_that_waited_has_its_channels_and_what_it_prepared(
    origin: Origin, fds: list[int], tmp_path: Path
) -> None:
    waiting = origin.fork_ahead(lambda: [os.dup2(0, 33)])
    told = answer_of(waiting.begin(request_of(tmp_path), fds[:4]), fds)
    assert told == {"open": [0, 1, 2, 3, 33], "size": 0, "cwd": str(tmp_path)}


def test_request_of_any_size_reaches_a_child_that_waited(
    origin: Origin, fds: list[int], tmp_path: Path
) -> None:
    waiting = origin.fork_ahead(tuple)
    told = answer_of(waiting.begin(request_of(tmp_path, "x" * LARGE), fds[:4]), fds)
    assert told["size"] == LARGE


def test_child_that_nobody_asks_ends_with_its_socket(origin: Origin) -> None:
    assert end(origin.fork_ahead(tuple)) == 0


def test_child_that_was_killed_while_it_waited_is_told_apart(
    origin: Origin, fds: list[int], tmp_path: Path
) -> None:
    waiting = origin.fork_ahead(tuple)
    os.kill(waiting.pid, signal.SIGKILL)
    os.waitid(os.P_PID, waiting.pid, os.WEXITED | os.WNOWAIT)
    assert waiting.begin(request_of(tmp_path), fds[:4]) is None
    assert end(waiting) == -signal.SIGKILL


@pytest.mark.parametrize("is_ahead", [False, True])
def test_child_that_cannot_begin_says_why(
    origin: Origin, fds: list[int], tmp_path: Path, *, is_ahead: bool
) -> None:
    begin = origin.fork_ahead(tuple).begin if is_ahead else origin.fork
    with pytest.raises(OSError, match=r"cannot enter .*absent"):
        begin(request_of(tmp_path / "absent"), fds[:4])
    os.wait()


def test_preparation_that_fails_is_told_to_whoever_asks(
    origin: Origin, fds: list[int], tmp_path: Path
) -> None:
    waiting = origin.fork_ahead(lambda: [int("none")])
    with pytest.raises(OSError, match="cannot prepare the process: invalid literal"):
        waiting.begin(request_of(tmp_path), fds[:4])
    os.wait()


def test_line_that_breaks_off_is_no_request() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'{"argv":')
        ours.shutdown(socket.SHUT_WR)
        assert receive_request(theirs, 4) == (b"", [])
