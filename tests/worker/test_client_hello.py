import ssl
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.client_hello import (
    LIMIT_BYTES,
    MOST_RECORDS,
    UNRECOGNIZED_NAME,
    BadHello,
    Hello,
    read_hello,
)


def hello_of(name: str | None) -> bytes:
    """Return what Python's own TLS says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def records(message: bytes, size: int) -> bytes:
    """Cut a message into records of a size."""
    pieces: Iterator[bytes] = (message[at : at + size] for at in range(0, len(message), size))
    return b"".join(b"\x16\x03\x01" + len(it).to_bytes(2) + it for it in pieces)


@pytest.mark.parametrize("name", ["example.com", "a" * 60 + ".example", "xn--bcher-kva.example"])
def test_name_is_read(name: str) -> None:
    assert read_hello(hello_of(name)) == Hello(is_whole=True, name=name)


def test_tls_that_asks_for_no_name_is_whole_without_one() -> None:
    assert read_hello(hello_of(None)) == Hello(is_whole=True, name=None)


def test_name_is_read_however_the_message_is_cut() -> None:
    message = hello_of("example.com")[5:]
    cut = records(message, len(message) // 20)
    for size in range(len(cut)):
        assert not read_hello(cut[:size]).is_whole
    assert read_hello(cut + b"more") == Hello(is_whole=True, name="example.com")


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"\x00\x00", b"\x17\x03"]
)
def test_other_protocols_are_let_be(data: bytes) -> None:
    assert read_hello(data) == Hello(is_whole=True, name=None)


def test_nothing_yet_is_not_whole() -> None:
    assert read_hello(b"") == Hello(is_whole=False)


@pytest.mark.parametrize(
    "data",
    [
        records(b"\x02\x00\x00\x01x", 100),  # a server's hello
        records(b"\x01\x00\x00\x02\x03\x03", 100),  # ends within its random
        records(hello_of("example.com")[5:], 1),  # too many records
        records(b"\x01\xff\xff\xff" + b"x" * LIMIT_BYTES, 2**14),
        records(b"", 1) + b"\x16\x03\x01\x00\x00" * (MOST_RECORDS + 1),
    ],
)
def test_what_only_looks_like_tls_is_refused(data: bytes) -> None:
    with pytest.raises(BadHello):
        read_hello(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(tail: bytes) -> None:
    for data in (tail, b"\x16" + tail, records(b"\x01" + len(tail).to_bytes(3) + tail, 200)):
        try:
            assert isinstance(read_hello(data), Hello)
        except BadHello:
            continue


def test_alert_is_one_that_clients_understand() -> None:
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="example.com")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    incoming.write(UNRECOGNIZED_NAME)
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        client.do_handshake()
