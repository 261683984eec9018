"""Connections through the proxy of a job: for what speaks another protocol than HTTP, and for ssh.

With a host and a port as arguments it is a program that connects stdin and stdout to them.
"""

import base64
import os
import select
import socket
import sys
import urllib.parse
from collections.abc import Mapping

PROXY = "TRUELINE_PROXY"  # set where jobs reach declared hosts alone
PIECE_BYTES = 65536
HEAD_LIMIT_BYTES = 65536


def connect(
    host: str,
    port: int,
    timeout: float | None = None,
    environ: Mapping[str, str] = os.environ,
) -> socket.socket:
    """Connect to a host: through the job's proxy where there is one, directly elsewhere.

    Stands in for `socket.create_connection` in libraries that take a socket. `timeout` is in
    seconds. Raises OSError; PermissionError says what to declare.

    >>> with connect("127.0.0.1", 1, timeout=1, environ={}) as connection:
    ...     connection.sendall(b"hello")
    Traceback (most recent call last):
    ConnectionRefusedError: [Errno 111] Connection refused
    """
    proxy = environ.get(PROXY)
    if proxy is None:
        return socket.create_connection((host, port), timeout)
    parts = urllib.parse.urlsplit(proxy)
    server = socket.create_connection((parts.hostname or "", parts.port or 0), timeout)
    try:
        _ask(server, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", parts)
    except BaseException:
        server.close()
        raise
    return server


def carry(server: socket.socket) -> None:
    """Carry stdin to a host and its answers to stdout, until the host has ended."""
    poll = select.poll()
    poll.register(server, select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        ready = [number for number, _ in poll.poll()]
        if 0 in ready:
            data = os.read(0, PIECE_BYTES)
            if data:
                server.sendall(data)
            else:
                poll.unregister(0)
                server.shutdown(socket.SHUT_WR)
        if server.fileno() in ready:
            data = server.recv(PIECE_BYTES)
            if not data:
                return
            while data:
                data = data[os.write(1, data) :]


def main() -> int:
    """Connect stdin and stdout to the host and port of the arguments."""
    host, port = sys.argv[1:]
    try:
        with connect(host, int(port)) as server:
            carry(server)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _ask(server: socket.socket, address: str, proxy: urllib.parse.SplitResult) -> None:
    user = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    server.sendall(
        f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n"
        f"Proxy-Authorization: Basic {user}\r\n\r\n".encode()
    )
    line = _read_head(server).decode("utf-8", "replace").partition("\r\n")[0]
    _, status, reason = [*line.split(" ", 2), "", ""][:3]
    if status == "403":
        raise PermissionError(reason)
    if status != "200":
        raise ConnectionError(reason or "the proxy gave no answer")


def _read_head(server: socket.socket) -> bytes:
    """Read an answer's head, and not one byte of what follows."""
    data = b""
    while not data.endswith(b"\r\n\r\n") and len(data) < HEAD_LIMIT_BYTES:
        piece = server.recv(1)
        if not piece:
            break
        data += piece
    return data


if __name__ == "__main__":
    sys.exit(main())
