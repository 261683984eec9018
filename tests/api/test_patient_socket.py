import socket
from collections.abc import Iterator

import pytest

from api.patient_socket import LEAST_BYTES_PER_SECOND, PATIENCE_SECONDS, PatientSocket


@pytest.fixture
def pair() -> Iterator[tuple[PatientSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with PatientSocket.taking_over(ours) as patient, theirs:
        yield patient, theirs


def test_it_is_the_same_connection(pair: tuple[PatientSocket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.sendall(b"hello")
    assert ours.recv(2) == b"he"
    assert ours.recv(100, socket.MSG_PEEK) == b"llo"
    ours.sendall(b"hi")
    assert theirs.recv(10) == b"hi"


def test_a_client_that_says_nothing_is_not_waited_for_without_end(
    pair: tuple[PatientSocket, socket.socket],
) -> None:
    ours, _ = pair
    ours.begin_request(0.01)
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_a_byte_now_and_then_does_not_buy_time(pair: tuple[PatientSocket, socket.socket]) -> None:
    ours, theirs = pair
    ours.begin_request(0.0)
    theirs.sendall(b"ab")
    assert ours.recv(1) == b"a"
    assert ours._left_seconds < 2 / LEAST_BYTES_PER_SECOND
    assert ours.recv(1) == b"b"
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_what_arrives_fast_enough_is_waited_for(pair: tuple[PatientSocket, socket.socket]) -> None:
    ours, theirs = pair
    ours.begin_request(0.5)
    theirs.sendall(b"x" * LEAST_BYTES_PER_SECOND)
    received = 0
    while received < LEAST_BYTES_PER_SECOND:
        received += len(ours.recv(LEAST_BYTES_PER_SECOND))
    assert 1.0 < ours._left_seconds <= PATIENCE_SECONDS


def test_each_request_is_given_its_own_time(pair: tuple[PatientSocket, socket.socket]) -> None:
    ours, theirs = pair
    ours.begin_request(0.0)
    ours.begin_request()
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_a_time_out_of_its_own_goes_before(pair: tuple[PatientSocket, socket.socket]) -> None:
    ours, _ = pair
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.recv(1)


def test_a_goodbye_takes_what_still_comes_and_then_there_is_nothing(
    pair: tuple[PatientSocket, socket.socket],
) -> None:
    ours, theirs = pair
    ours.sendall(b"answer")
    theirs.sendall(b"too much")
    ours.say_goodbye(0.05)
    assert theirs.recv(100) == b"answer"
    assert theirs.recv(100) == b""
    theirs.sendall(b"more")
    assert ours.recv(100) == b""
    ours.close()
    ours.say_goodbye()  # of a connection that is gone


def test_the_end_of_the_connection_is_told(pair: tuple[PatientSocket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    assert ours.recv(1) == b""
