"""Real TLS servers on loopback, each with the certificate that a test gives it."""

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import trustme

Serve = Callable[..., str]  # a context, and after how many handshakes the server is gone
Fail = Callable[[str], str]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a server and returns its URL."""
    with ExitStack() as stack:

        def begin(context: ssl.SSLContext, handshakes: int | None = None) -> str:
            return f"https://127.0.0.1:{stack.enter_context(_serving(context, handshakes))}/"

        yield begin


@pytest.fixture
def fail() -> Iterator[Fail]:
    """Return a function that starts a server with a fault, and returns its URL."""
    with ExitStack() as stack:

        def begin(fault: str) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port: int = listener.getsockname()[1]
            if fault == "refused":
                listener.close()
            elif fault == "cut off":
                thread = threading.Thread(target=_cut_off, args=(listener,))
                thread.start()
                stack.callback(thread.join)
                stack.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"https://127.0.0.1:{port}/"  # "timeout": the system connects, nobody answers

        yield begin


def _cut_off(listener: socket.socket) -> None:
    """Begin a handshake with each client, and hang up in the middle of it."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.settimeout(10)
            connection.recv(4096)
            connection.sendall(b"\x16\x03\x03\x00\x7a\x02")  # a record of 122 bytes, one sent


@contextmanager
def _serving(context: ssl.SSLContext, handshakes: int | None) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = threading.Thread(target=_shake_hands, args=(listener, context, handshakes))
        thread.start()
        yield port
        with suppress(OSError):  # it may be shut already
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _shake_hands(listener: socket.socket, context: ssl.SSLContext, handshakes: int | None) -> None:
    """Shake hands with each client and hang up, until the listener is shut."""
    for number in itertools.count(1):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if number == handshakes:
            listener.close()
        connection.settimeout(10)
        # Clients go away: that is what refusing a certificate looks like.
        with connection, suppress(OSError), context.wrap_socket(connection, True) as secured:
            secured.recv(1)
