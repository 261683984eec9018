import ctypes
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from utils.caller import Caller
from utils.destinations import Destinations, Refused
from utils.guarded_socket import GuardedSocket, Judge, Target
from utils.routes import Routes

Ask = Callable[..., Target]
KERNEL = struct.pack("=HHII", socket.AF_NETLINK, 0, 0, 0)
INET = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", 80, socket.inet_aton("127.0.0.1"))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def local(path: bytes) -> bytes:
    return struct.pack("=H", socket.AF_UNIX) + path


@pytest.fixture
def own() -> Iterator[Caller]:
    with Caller(threading.get_native_id(), ctypes.CDLL(None, use_errno=True)) as caller:
        yield caller


@pytest.fixture
def ask(own: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Judge an address for a new socket; ports that are open: 80."""
    monkeypatch.chdir(tmp_path)
    with Routes() as routes:
        judge = Judge(Destinations([80], routes))

        def asked(raw: bytes, *kind: int, sending: bool = False, size: int | None = None) -> Target:
            buffer = ctypes.create_string_buffer(raw, len(raw))
            with socket.socket(*kind) as theirs:
                mine = GuardedSocket(own, theirs.fileno())
                act = judge.to_send if sending else judge.to_connect
                place = ctypes.addressof(buffer)
                try:
                    return act(own, mine, place, len(raw) if size is None else size)
                finally:
                    mine.close()

        yield asked


def test_duplicate_knows_what_it_is_a_duplicate_of(own: Caller) -> None:
    kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM)]
    for family, kind in [*kinds, (socket.AF_UNIX, socket.SOCK_SEQPACKET)]:
        with socket.socket(family, kind) as theirs:
            mine = GuardedSocket(own, theirs.fileno())
            assert (mine.family, mine.kind) == (family, kind)
            assert mine.is_internet == (family != socket.AF_UNIX)
            assert mine.is_datagram == (kind != socket.SOCK_STREAM)
            mine.close()
            theirs.getsockname()  # it is still open


def test_what_is_no_socket_is_refused_and_left_alone(own: Caller) -> None:
    reading, writing = os.pipe()
    before = open_files()
    with pytest.raises(OSError, match="non-socket"):
        GuardedSocket(own, reading)
    assert open_files() == before
    os.close(reading)
    os.close(writing)


def test_it_waits_as_the_caller_wants_but_for_a_moment(own: Caller) -> None:
    with socket.socket() as theirs:
        mine = GuardedSocket(own, theirs.fileno())
        with mine.not_waiting():
            assert not os.get_blocking(theirs.fileno())
        assert os.get_blocking(theirs.fileno())
        assert mine.waits
        assert mine.patience_seconds() is None
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 1, 500_000))
        assert mine.patience_seconds() == pytest.approx(1.5)
        os.set_blocking(theirs.fileno(), False)
        with mine.not_waiting():
            assert not mine.waits
        assert not mine.waits
        mine.close()


def test_sockets_with_a_path_are_told_from_others(
    own: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = []
    for name in ("path", "", f"\0trueline-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX) as theirs:
            if name:
                theirs.bind(name)
            mine = GuardedSocket(own, theirs.fileno())
            found.append(mine.has_path())
            mine.close()
    assert found == [True, False, False]


def test_address_that_was_judged_is_a_copy(ask: Ask) -> None:
    assert ask(INET, socket.AF_INET, socket.SOCK_STREAM) == Target(INET)
    closed = INET.replace(b"\0\x50", b"\0\x51")
    with pytest.raises(Refused, match=r"127\.0\.0\.1:81"):
        ask(closed, socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(Refused, match=r"127\.0\.0\.1:81"):
        ask(closed, socket.AF_INET, socket.SOCK_DGRAM, sending=True)


def test_port_zero_asks_for_a_way_without_going_it(ask: Ask) -> None:
    nowhere = INET.replace(b"\0\x50", b"\0\0")
    assert ask(nowhere, socket.AF_INET, socket.SOCK_DGRAM) == Target(nowhere)
    with pytest.raises(Refused):
        ask(nowhere, socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(Refused):  # stands for ping, which knows no ports
        ask(nowhere, socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE)


@pytest.mark.parametrize("size", [0, 1, 129, 2**32 - 1])
def test_size_that_no_address_has_is_refused(ask: Ask, size: int) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        ask(INET, socket.AF_INET, socket.SOCK_STREAM, size=size)


def test_no_family_takes_a_connection_away_and_sends_nowhere(ask: Ask) -> None:
    nobody = bytes(16)
    assert ask(nobody, socket.AF_INET, socket.SOCK_DGRAM) == Target(nobody)
    with pytest.raises(OSError, match="not supported"):
        ask(nobody, socket.AF_INET, socket.SOCK_DGRAM, sending=True)


def test_local_socket_is_found_where_the_caller_sees_it(ask: Ask, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("here")
        server.listen()
        for path in (b"here", b"./here\0rest", bytes(tmp_path / "here")[:100]):
            if path.startswith(b"/") and len(bytes(tmp_path / "here")) > 100:
                continue
            target = ask(local(path), socket.AF_UNIX, socket.SOCK_STREAM)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(target.raw[2:].rstrip(b"\0"))
            target.close()


def test_local_names_without_a_file_and_other_families_are_refused(ask: Ask) -> None:
    for raw in (local(b"\0abstract"), local(b"")):
        with pytest.raises(Refused, match="without a file"):
            ask(raw, socket.AF_UNIX, socket.SOCK_STREAM)
    with pytest.raises(OSError, match="Invalid argument"):
        ask(INET, socket.AF_UNIX, socket.SOCK_STREAM)
    with pytest.raises(OSError, match="not supported"):
        ask(local(b"path" * 4), socket.AF_INET, socket.SOCK_STREAM)


def test_netlink_talks_to_the_kernel_alone(ask: Ask) -> None:
    kind = (socket.AF_NETLINK, socket.SOCK_RAW, 0)
    assert ask(KERNEL, *kind, sending=True) == Target(KERNEL)
    for port, groups in ((1, 0), (0, 1)):
        with pytest.raises(PermissionError):
            ask(struct.pack("=HHII", socket.AF_NETLINK, 0, port, groups), *kind, sending=True)
    with pytest.raises(OSError, match="Invalid argument"):
        ask(KERNEL[:6], *kind, sending=True)
