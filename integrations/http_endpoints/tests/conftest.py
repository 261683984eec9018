"""Real TLS servers on loopback, each with the certificate that a test gives it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import trustme

Serve = Callable[[ssl.SSLContext], str]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a server and returns its URL."""
    with ExitStack() as stack:
        yield lambda context: f"https://127.0.0.1:{stack.enter_context(_serving(context))}/"


@contextmanager
def _serving(context: ssl.SSLContext) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = threading.Thread(target=_shake_hands, args=(listener, context))
        thread.start()
        yield port
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Shake hands with each client and hang up, until the listener is shut."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(10)
        # Clients go away: that is what refusing a certificate looks like.
        with connection, suppress(OSError), context.wrap_socket(connection, True) as secured:
            secured.recv(1)
