"""Where jobs come in: sockets that listen in their own networks, handed over to this process.

A socket belongs to the network that it was made in, whoever accepts from it. So a job's child
listens on its own loopback, hands that socket over, and nothing has to run beside it.
"""

import asyncio
import errno
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

BACKLOG = 256
MOST_WAITING = 128  # that have connected and handed nothing over yet
TICKET_LIMIT_BYTES = 200
ACCEPTED, REFUSED = b"y", b"n"
EXHAUSTED_SECONDS = 0.1  # until it is tried again when there are no descriptors
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})

Take = Callable[[socket.socket], None]
Admit = Callable[[str, socket.socket], bool]


class Entrance:
    """One job's listening socket.

    It has a thread, for whoever holds it too could make it block, and with it all other jobs.
    When somebody comes and no place is left, `make_room` is asked to send a stranger away.
    """

    def __init__(
        self,
        listener: socket.socket,
        places: threading.Semaphore,
        take: Take,
        make_room: Callable[[], None],
    ) -> None:
        self._listener = listener
        self._places = places
        self._take = take
        self._make_room = make_room
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
            while self._is_open:
                connection = self._next()
                if not self._places.acquire(blocking=False):
                    self._loop.call_soon_threadsafe(self._make_room)
                    self._places.acquire()
                self._loop.call_soon_threadsafe(self._take, connection)

    def _next(self) -> socket.socket:
        while True:
            try:
                return self._listener.accept()[0]
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                time.sleep(EXHAUSTED_SECONDS)


class Desk:
    """The unix socket at which children hand their sockets over, with the ticket of their job."""

    def __init__(self, folder: Path, name: str, admit: Admit) -> None:
        self._admit = admit
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, socket.socket] = {}
        self._socket = _listen_in(folder, name)
        self._open()

    def close(self) -> None:
        """Let nobody come any more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for child in list(self._waiting.values()):
            self._let_go(child)

    def _open(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._welcome)

    def _welcome(self) -> None:
        try:
            child, _ = self._socket.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:  # asking again at once would take all of the processor
                self._loop.remove_reader(self._socket)
                self._loop.call_later(EXHAUSTED_SECONDS, self._open)
        else:
            child.setblocking(False)
            while len(self._waiting) >= MOST_WAITING:
                self._let_go(next(iter(self._waiting.values())))
            self._waiting[child.fileno()] = child
            self._loop.add_reader(child, self._receive, child)

    def _receive(self, child: socket.socket) -> None:
        with suppress(OSError):
            data, fds, _, _ = socket.recv_fds(child, TICKET_LIMIT_BYTES, 1)
            is_in = self._is_admitted(data, _sockets(fds))
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


def _sockets(descriptors: list[int]) -> list[socket.socket]:
    """Return those that are sockets; others are closed, or they would fill this process."""
    found = []
    for descriptor in descriptors:
        try:
            found.append(socket.socket(fileno=descriptor))
        except OSError:
            os.close(descriptor)
    return found


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
