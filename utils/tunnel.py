"""Connects stdin and stdout to a host through the proxy of the environment: for ssh."""

import base64
import os
import select
import socket
import sys
import urllib.parse

PIECE_BYTES = 65536
HEAD_LIMIT_BYTES = 65536


def main() -> int:
    """Open a tunnel to the host and port of the arguments, and carry bytes until one side ends."""
    host, port = sys.argv[1:]
    server, status, rest = ask(os.environ["HTTPS_PROXY"], host, int(port))
    with server:
        if status != "200":
            sys.stderr.write(rest.decode("utf-8", "replace"))
            return 1
        os.write(1, rest)
        carry(server)
    return 0


def ask(proxy: str, host: str, port: int) -> tuple[socket.socket, str, bytes]:
    """Ask a proxy for a tunnel; return the connection, the status and what followed the head."""
    parts = urllib.parse.urlsplit(proxy)
    user = f"{parts.username or ''}:{parts.password or ''}".encode()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    server = socket.create_connection((parts.hostname or "", parts.port or 80))
    credentials = base64.b64encode(user).decode()
    server.sendall(
        f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n"
        f"Proxy-Authorization: Basic {credentials}\r\n\r\n".encode()
    )
    head, _, rest = _read_head(server).partition(b"\r\n\r\n")
    status = head.decode("latin-1").split(" ")[1:2]
    if status != ["200"]:
        while piece := server.recv(PIECE_BYTES):
            rest += piece
    return server, status[0] if status else "", rest


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
            _write(data)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def _read_head(server: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and len(data) < HEAD_LIMIT_BYTES:
        piece = server.recv(PIECE_BYTES)
        if not piece:
            break
        data += piece
    return data


if __name__ == "__main__":
    sys.exit(main())
