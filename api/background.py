"""What the API does beside requests: sends events, looks at the source after pushes, tidies up."""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.apprise_process import AppriseProcess
from api.deliveries import bury_old, remove_old
from api.init import register_source
from api.looks import Looker
from api.posting import Ways
from api.pushes import forget_old
from api.receiver_address import exemptions_of
from api.sender import Outside, Sender
from api.state import State

LOOK_SECONDS = 0.5  # how soon it is noticed that something is due
TIDY_SECONDS = 600.0

log = structlog.get_logger()


class Background:
    """Three threads of the serving process; they end with the waits of its requests."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sender = make_sender(state)
        self._looker = Looker(state.database, self._read_source, state.wakeups.pause)

    def start(self) -> None:
        """Begin."""
        for name, act, seconds in (
            ("sending", self._sender.send_due, LOOK_SECONDS),
            ("looking", self._looker.catch_up, LOOK_SECONDS),
            ("tidying", self._tidy, TIDY_SECONDS),
        ):
            threading.Thread(
                target=self._repeat, args=(name, act, seconds), name=name, daemon=True
            ).start()

    def _repeat(self, name: str, act: Callable[[], object], seconds: float) -> None:
        while not self._state.wakeups.pause(seconds):
            try:
                act()
            except SQLAlchemyError:
                log.warning("database busy or away", thread=name)
            except Exception:
                log.exception("background work crashed", thread=name)

    def _read_source(self) -> None:
        done = register_source(self._state)
        log.info("source read after a push", commit=done.commit)

    def _tidy(self) -> None:
        state = self._state
        for tidy in (bury_old, remove_old, forget_old):
            more = True
            while more and not state.wakeups.closed:
                with state.database.write() as connection:
                    more = bool(tidy(connection, state.clock()))


def make_sender(state: State) -> Sender:
    """Make the sender of one API process."""
    settings = state.settings
    outside = Outside(
        secrets=state.secrets,
        ways=Ways(exemptions_of(settings.notify_private)),
        apprise=AppriseProcess(settings.notify_private, state.environ),
        public_url=settings.public_url.rstrip("/"),
    )
    return Sender(state.database, state.clock, outside, lambda: state.wakeups.closed)
