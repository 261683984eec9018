"""Serves the app with gunicorn: a process or some, many threads each, an orderly end."""

import logging
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # same
from gunicorn.http.body import ChunkedReader, LengthReader  # type: ignore[import-untyped]  # same
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # same

from api.patient_socket import PatientSocket
from api.state import state_of
from api.unreadable import Heard, send_unreadable
from api.wakeups import MOST_WAITS
from utils.parent_death import end_with_parent

THREADS = MOST_WAITS + 56  # waiting requests never take the last thread
CONNECTIONS = 1024
GRACE_SECONDS = 10
UNWANTED_BYTES = 64 * 1024  # of a body that nobody has read, that gunicorn reads past
LINE_BYTES = 8190  # method, address and query
HEADERS = 64
HEADER_BYTES = 8190  # each, name and value
LINGER_MILLISECONDS = 100
MOST_LINGERING = 24  # threads; the rest go on to serve new requests at once


class Threads(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """The serving process: wakes waiting requests when it has to stop.

    A client that has had an answer often asks again at once: its thread listens to it for a moment
    before it hands the connection to the thread that listens to all, which costs two switches.
    """

    def init_process(self) -> None:
        """Serve for as long as gunicorn's first process lives: its successor needs the port."""
        end_with_parent(signal.SIGKILL)
        self._lingering = threading.BoundedSemaphore(MOST_LINGERING)
        self._leaving = threading.BoundedSemaphore(MOST_LINGERING)
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow at once on the same connection."""
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket.taking_over(conn.sock)
        conn.sock.begin_request()
        goes_on = super().handle(conn)
        while goes_on is True and self.alive and self._is_more_to_read(conn):
            conn.sock.begin_request()
            goes_on = super().handle(conn)
        if goes_on is False:
            self._say_goodbye(conn.sock)
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request, and say so where the connection ends with the answer.

        It does where much of the body was not wanted; who is not told sends the next one in vain.
        """
        ends = req.should_close
        req.should_close = lambda: ends() or is_much_left(req.body.reader)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:
        """Refuse what cannot be read with a problem, where gunicorn would send HTML."""
        heard = Heard()
        super().handle_error(req, heard, addr, exc)
        send_unreadable(client, heard.status)

    def _say_goodbye(self, connection: PatientSocket) -> None:
        """Wait here for the client's end: gunicorn would in the thread that serves all of them."""
        if self._leaving.acquire(blocking=False):
            try:
                connection.say_goodbye()
            finally:
                self._leaving.release()
        else:
            connection.say_goodbye(0.0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting, let waiting requests answer with what they have, finish the rest."""
        super().handle_exit(sig, frame)
        self._wake_waiting()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once."""
        self._wake_waiting()
        super().handle_quit(sig, frame)

    def _is_more_to_read(self, conn: Any) -> bool:
        if conn.is_http2 or not self._lingering.acquire(blocking=False):
            return False
        try:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            return bool(poll.poll(LINGER_MILLISECONDS))
        finally:
            self._lingering.release()

    def _wake_waiting(self) -> None:
        app = self.app.callable
        if isinstance(app, Flask):
            state_of(app).wakeups.close()


def is_much_left(body: Any) -> bool:
    """Whether gunicorn gives a connection up rather than read on to the end of this body."""
    if isinstance(body, LengthReader):
        return bool(body.length >= UNWANTED_BYTES)
    return isinstance(body, ChunkedReader) and body.parser is not None


class QuietLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's warnings and errors go where the API's own log goes; requests are not logged."""

    def setup(self, cfg: Any) -> None:
        """Keep gunicorn from adding handlers of its own."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log an error of ours; a client that stalls (see api.listener) is none."""
        if not isinstance(sys.exception(), BlockingIOError):
            super().exception(msg, *args, **kwargs)


@dataclass(frozen=True)
class Life:
    """What a server does at the turns of its life."""

    make_app: Callable[[], Flask]  # in each serving process
    started: Callable[[], None]  # in a serving process that is ready
    child_ended: Callable[[int], None]  # in the first process, with the pid
    stopped: Callable[[], None]  # in the first process, last


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn around an app that is made in the serving process, after the fork."""

    def __init__(self, listener: socket.socket, life: Life, processes: int = 1) -> None:
        self._listener = listener
        self._life = life
        self._processes = processes
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        options = {
            "bind": f"fd://{self._listener.detach()}",
            "worker_class": f"{__name__}.{Threads.__name__}",
            "logger_class": QuietLog,
            "workers": self._processes,
            "threads": THREADS,
            "worker_connections": CONNECTIONS,
            "timeout": 0,  # threads that wait are no hang; a suspended laptop is none either
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": 30,
            "forwarded_allow_ips": "",  # api.guard believes a proxy where it is told to
            "control_socket_disable": True,
            "limit_request_line": LINE_BYTES,
            "limit_request_fields": HEADERS,
            "limit_request_field_size": HEADER_BYTES,
            "post_worker_init": lambda _worker: self._life.started(),
            "worker_exit": lambda _arbiter, worker: _end_app(worker),
            "child_exit": lambda _arbiter, worker: self._life.child_ended(worker.pid),
            "on_exit": lambda _arbiter: self._life.stopped(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the app."""
        return self._life.make_app()


def _end_app(worker: Any) -> None:
    app = worker.app.callable
    if isinstance(app, Flask):
        state_of(app).stops.run()
