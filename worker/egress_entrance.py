"""Where jobs come in: sockets that listen in their own networks, handed over to this process.

A socket belongs to the network that it was made in, whoever accepts from it. So a job's child
listens on its own loopback, hands that socket over, and nothing has to run beside it.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

BACKLOG = 256
MOST_WAITING = 128  # that have connected and handed nothing over yet
TICKET_LIMIT_BYTES = 200
ACCEPTED, REFUSED = b"y", b"n"

Take = Callable[[socket.socket], None]
Admit = Callable[[str, socket.socket], bool]


class Entrance:
    """One job's listening socket.

    It has a thread, for whoever holds it too could make it block, and with it all other jobs.
    """

    def __init__(self, listener: socket.socket, places: threading.Semaphore, take: Take) -> None:
        self._listener = listener
        self._places = places
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        listener.settimeout(None)
        threading.Thread(target=self._accept, daemon=True, name="entrance").start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._is_open = False
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # its thread wakes up and closes it
        self._places.release()

    def _accept(self) -> None:
        with self._listener, suppress(OSError, RuntimeError):  # closed, or the loop is
            while self._places.acquire() and self._is_open:
                connection, _ = self._listener.accept()
                self._loop.call_soon_threadsafe(self._take, connection)


class Desk:
    """The unix socket at which children hand their sockets over, with the ticket of their job."""

    def __init__(self, folder: Path, name: str, admit: Admit) -> None:
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, socket.socket] = {}
        self._socket = _listen_in(folder, name)
        self._loop.add_reader(self._socket, self._welcome)

    def close(self) -> None:
        """Let nobody come any more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for child in list(self._waiting.values()):
            self._let_go(child)

    def _welcome(self) -> None:
        with suppress(OSError):
            child, _ = self._socket.accept()
            child.setblocking(False)
            while len(self._waiting) >= MOST_WAITING:
                self._let_go(next(iter(self._waiting.values())))
            self._waiting[child.fileno()] = child
            self._loop.add_reader(child, self._receive, child)

    def _receive(self, child: socket.socket) -> None:
        with suppress(OSError):
            data, fds, _, _ = socket.recv_fds(child, TICKET_LIMIT_BYTES, 1)
            listeners = [socket.socket(fileno=fd) for fd in fds]
            is_in = self._is_admitted(data, listeners)
            child.send(ACCEPTED if is_in else REFUSED)
        self._let_go(child)

    def _is_admitted(self, data: bytes, listeners: list[socket.socket]) -> bool:
        if len(listeners) == 1 and is_listening(listeners[0]):
            ticket = data.decode("ascii", "replace")
            if self._admit(ticket, listeners[0]):
                return True
        for listener in listeners:
            listener.close()
        return False

    def _let_go(self, child: socket.socket) -> None:
        self._loop.remove_reader(child)
        self._waiting.pop(child.fileno(), None)
        child.close()


def _listen_in(folder: Path, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with suppress(FileNotFoundError):
        (folder / name).unlink()
    # The folder's path may be longer than an address of a unix socket can be.
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{handle}/{name}")
    finally:
        os.close(handle)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def is_listening(listener: socket.socket) -> bool:
    """Tell whether this is a socket of TCP that listens."""
    if listener.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    if listener.type != socket.SOCK_STREAM:
        return False
    return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
