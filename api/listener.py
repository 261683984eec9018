"""The socket that the API listens on, and the file that tells its address."""

import errno
import ipaddress
import socket
import struct
from pathlib import Path

from utils.errors import TruelineError
from utils.files import write_durably
from utils.settings import Settings

ADDRESS_FILE = "api.address"
SILENCE_SECONDS = 20  # so long a client may pause within a request, or not take its answer


class ListenError(TruelineError):
    """The API cannot listen where the settings say."""


def check_exposure(settings: Settings) -> None:
    """Refuse to serve anyone but this machine without a key, or by names that nobody has told."""
    is_local = _is_loopback(settings.api_host)
    if settings.signing_key_file is None:
        if not is_local:
            raise ListenError(
                f"TRUELINE_API_HOST: {settings.api_host!r} is not a loopback address, and without "
                "a signing key anyone who reaches it could do anything",
                "make a key with `trueline token key PATH` and set TRUELINE_SIGNING_KEY_FILE to "
                "it, or set TRUELINE_API_HOST to 127.0.0.1",
            )
        if settings.api_names or settings.trusted_proxies:
            raise ListenError(
                "TRUELINE_API_HOSTS or TRUELINE_TRUSTED_PROXIES is set, but no signing key: "
                "whoever came by another name or through a proxy could do anything",
                "make a key with `trueline token key PATH` and set TRUELINE_SIGNING_KEY_FILE to "
                "it, or unset them",
            )
    elif not is_local and not settings.api_names:
        raise ListenError(
            f"TRUELINE_API_HOST: {settings.api_host!r} is not a loopback address, and "
            "TRUELINE_API_HOSTS does not say by which names the API is reached there",
            "set TRUELINE_API_HOSTS to them, such as trueline.example.com,10.0.0.5",
        )


def listen(host: str, port: int, silence_seconds: int = SILENCE_SECONDS) -> socket.socket:
    """Bind and listen; port 0 takes any free one. Raises ListenError.

    A read from a client that says nothing for `silence_seconds` fails: it holds a thread.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The system's time-outs: connections inherit them, and gunicorn leaves them alone.
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", silence_seconds, 0))
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(
                f"port {port} on {host} is in use",
                "stop the process that has it, or set TRUELINE_API_PORT to another (0: any free)",
            ) from error
        raise ListenError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            "correct TRUELINE_API_HOST and TRUELINE_API_PORT",
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL at which the listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def announce(data_dir: Path, address: str) -> None:
    """Write the address down for whoever starts the API and looks for its port."""
    write_durably(data_dir / ADDRESS_FILE, f"{address}\n".encode(), 0o644)


def withdraw(data_dir: Path, address: str) -> None:
    """Remove the address, unless another API has written its own meanwhile."""
    path = data_dir / ADDRESS_FILE
    if path.exists() and path.read_text("utf-8").strip() == address:
        path.unlink(missing_ok=True)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
