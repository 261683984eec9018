import ctypes
import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from utils.caller import Caller
from utils.destinations import Destinations, Refused
from utils.guarded_call import (
    Connection,
    FirstOfMany,
    Listening,
    Parcel,
    Transmission,
    read_parcel,
)
from utils.guarded_socket import GuardedSocket, Judge, Target
from utils.routes import Routes

LIBC = ctypes.CDLL(None, use_errno=True)
ZERO_COPY, DONT_WAIT = 0x4000000, 0x40
Send = Callable[..., Transmission]
Keep = Callable[[bytes], tuple[int, int]]
Held = list["ctypes.Array[ctypes.c_char]"]


@pytest.fixture
def own() -> Iterator[Caller]:
    with Caller(threading.get_native_id(), LIBC) as caller:
        yield caller


@pytest.fixture
def held() -> Held:
    """Memory of this test that a call is given."""
    return []


@pytest.fixture
def keep(held: Held) -> Keep:
    def kept(data: bytes) -> tuple[int, int]:
        held.append(ctypes.create_string_buffer(data, max(1, len(data))))
        return ctypes.addressof(held[-1]), len(data)

    return kept


@pytest.fixture
def send(own: Caller, keep: Keep) -> Iterator[Send]:
    """Make a call that sends pieces over a socket."""
    made: list[Transmission] = []
    with Routes() as routes:
        judge = Judge(Destinations([], routes))

        def prepared(
            theirs: socket.socket,
            *pieces: bytes,
            control: bytes = b"",
            name: bytes = b"",
            flags: int = 0,
        ) -> Transmission:
            places = [keep(piece) for piece in pieces]
            beside = keep(control) if control else (0, 0)
            named = keep(name) if name else (0, 0)
            parcel = Parcel(named, places, beside, flags)
            mine = GuardedSocket(own, theirs.fileno())
            try:
                made.append(Transmission(LIBC, own, mine, parcel, judge))
            except BaseException:
                mine.close()
                raise
            return made[-1]

        yield prepared
        for one in made:
            one.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


Pair = tuple[socket.socket, socket.socket]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def rights(*descriptors: int) -> bytes:
    data = struct.pack(f"={len(descriptors)}i", *descriptors)
    head = struct.pack("=Qii", 16 + len(data), socket.SOL_SOCKET, socket.SCM_RIGHTS)
    return head + data + bytes(-len(data) % 8)


def test_pieces_are_sent_as_one(send: Send, pair: Pair) -> None:
    assert send(pair[0], b"one", b"", b"two").attempt() == 6
    assert pair[1].recv(100) == b"onetwo"


def test_nothing_can_be_sent_as_well(send: Send) -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        assert send(one).attempt() == 0
        assert other.recv(100) == b""


def test_caller_that_waits_gets_its_answer_when_all_is_sent(send: Send, pair: Pair) -> None:
    size = 3 * 1024 * 1024
    call = send(pair[0], bytes(size))
    assert call.may_wait
    received, answer = 0, None
    while answer is None:
        try:
            answer = call.attempt()
        except BlockingIOError:
            assert (call.progress() or 0) < size
        while received < (call.progress() or 0):
            received += len(pair[1].recv(1024 * 1024))
    assert answer == received == size


def test_caller_that_does_not_wait_gets_what_there_was_room_for(send: Send, pair: Pair) -> None:
    call = send(pair[0], bytes(3 * 1024 * 1024), flags=DONT_WAIT)
    assert not call.may_wait
    assert 0 < call.attempt() < 3 * 1024 * 1024


def test_descriptors_beside_the_data_arrive(send: Send, pair: Pair) -> None:
    reading, writing = os.pipe()
    before = open_files()
    send(pair[0], b"x", control=rights(writing, reading)).attempt()
    assert open_files() == before + 1  # the call's own duplicate
    _, found, _, _ = socket.recv_fds(pair[1], 1, 4)
    os.write(found[0], b"through")
    assert os.read(found[1], 9) == b"through"
    for descriptor in (*found, reading, writing):
        os.close(descriptor)


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (
            struct.pack("=QiiIII", 28, socket.SOL_SOCKET, socket.SCM_CREDENTIALS, 1, 0, 0),
            "not perm",
        ),
        (struct.pack("=Qiiii", 24, 0, 7, 0, 0), "not permitted"),  # IP_RETOPTS: source routes
        (struct.pack("=Qii", 4096, socket.SOL_SOCKET, socket.SCM_RIGHTS), "Invalid argument"),
        (struct.pack("=Qii", 3, socket.SOL_SOCKET, socket.SCM_RIGHTS), "Invalid argument"),
        (rights(99999), "Bad file descriptor"),
    ],
)
def test_what_else_goes_beside_the_data_is_refused(
    send: Send, pair: Pair, control: bytes, reason: str
) -> None:
    padded = control + bytes(-len(control) % 8)
    with pytest.raises(OSError, match=reason):
        send(pair[0], b"x", control=padded).attempt()


def test_named_message_of_a_datagram_socket_is_judged(send: Send) -> None:
    name = struct.pack("=H", 2) + struct.pack("!H4s8x", 9, socket.inet_aton("127.0.0.1"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs, pytest.raises(Refused):
        send(theirs, b"x", name=name)


def test_tcp_has_no_use_for_a_name(send: Send) -> None:
    name = struct.pack("=H", 2) + struct.pack("!H4s8x", 9, socket.inet_aton("127.0.0.1"))
    with socket.socket() as theirs, pytest.raises(OSError, match="Broken pipe"):
        send(theirs, b"x", name=name).attempt()


def test_what_cannot_be_copied_is_refused(send: Send, pair: Pair) -> None:
    with pytest.raises(OSError, match="No buffer space"):
        send(pair[0], b"x", flags=ZERO_COPY)
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other, pytest.raises(OSError, match="too long"):
        send(one, bytes(1024 * 1024), b"x")


def test_message_is_read_as_calls_are_given_it(own: Caller, keep: Keep) -> None:
    data, control = keep(b"hello"), keep(bytes(16))
    pieces = keep(struct.pack("=QQ", *data) * 2)
    fields = (0, 16, pieces[0], 2, control[0], 16, 0)
    start, size = keep(struct.pack("=QI4xQQQQI4x", *fields))
    assert read_parcel(own, start, 7) == Parcel(
        (0, 16), [data] * 2, (control[0], 16), 7, start + size
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((0, 0, 8, 1025, 0, 0, 0), "too long"),
        ((0, 0, 8, 1, 0, 0, 0), "Bad address"),
        ((0, 0, 0, 0, 8, 4097, 0), "No buffer space"),
    ],
)
def test_message_that_cannot_be_one_is_refused(
    own: Caller, keep: Keep, fields: tuple[int, ...], reason: str
) -> None:
    start, _ = keep(struct.pack("=QI4xQQQQI4x", *fields))
    with pytest.raises(OSError, match=reason):
        read_parcel(own, start, 0)


def test_first_of_many_messages_is_sent_and_counted(
    own: Caller, pair: Pair, keep: Keep, held: Held
) -> None:
    place, _ = keep(bytes(4))
    told = held[-1]
    with Routes() as routes:
        judge = Judge(Destinations([], routes))
        parcel = Parcel((0, 0), [keep(b"hello")], (0, 0), 0, place)
        call = FirstOfMany(LIBC, own, GuardedSocket(own, pair[0].fileno()), parcel, judge)
        assert call.attempt() == 1
        call.close()
    assert struct.unpack("=I", told.raw) == (5,)
    assert pair[1].recv(100) == b"hello"


def test_connection_is_made_in_steps(own: Caller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as theirs:
        port = server.getsockname()[1]
        raw = struct.pack("=H", 2) + struct.pack("!H4s8x", port, socket.inet_aton("127.0.0.1"))
        call = Connection(LIBC, GuardedSocket(own, theirs.fileno()), Target(raw))
        assert call.may_wait
        with pytest.raises(BlockingIOError):
            call.attempt()
        server.accept()[0].close()
        assert call.attempt() == 0
        assert call.attempt() == 0  # it was, meanwhile
        assert os.get_blocking(theirs.fileno())
        call.close()
        assert theirs.getpeername()[1] == port


def test_connection_that_is_refused_says_so(own: Caller) -> None:
    with socket.socket() as closed, socket.socket() as theirs:
        closed.bind(("127.0.0.1", 0))
        packed = struct.pack("!H4s8x", closed.getsockname()[1], socket.inet_aton("127.0.0.1"))
        call = Connection(LIBC, GuardedSocket(own, theirs.fileno()), Target(b"\2\0" + packed))
        found = 0
        while found in {0, errno.EINPROGRESS}:
            with pytest.raises(OSError, match=r".") as caught:
                call.attempt()
            found = caught.value.errno or 0
        call.close()
    assert found == errno.ECONNREFUSED


def test_only_a_socket_with_a_path_listens(
    own: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as theirs, socket.socket(socket.AF_UNIX) as client:
        theirs.bind("here")
        call = Listening(GuardedSocket(own, theirs.fileno()), 1)
        assert call.attempt() == 0
        client.connect("here")
        call.close()
    with socket.socket() as inet:
        mine = GuardedSocket(own, inet.fileno())
        with pytest.raises(Refused, match="listening"):
            Listening(mine, 1)
        mine.close()
