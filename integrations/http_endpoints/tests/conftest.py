"""Real TLS servers on loopback, each with the certificate that a test gives it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Serve = Callable[[ssl.SSLContext], str]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a server and returns its URL."""
    with ExitStack() as stack:
        yield lambda context: f"https://127.0.0.1:{stack.enter_context(_serving(context))}/"


def issued(authority: trustme.CA, name: str = "127.0.0.1", days: int = 365) -> ssl.SSLContext:
    """Return the settings of a server with a certificate that ends in so many days."""
    end = datetime.now(UTC) + timedelta(days=days, hours=1)
    leaf = authority.issue_cert(name, not_before=end - timedelta(days=730), not_after=end)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return the settings of a server whose certificate nobody but itself stands behind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alone")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=365)
    ).add_extension(names, critical=False)
    pem = folder / "alone.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


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
