"""What the API does beside requests: sends events, looks at source and database, tidies up."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.apprise_process import AppriseProcess
from api.deliveries import bury_old, remove_old
from api.health import NotReadyError
from api.init import register_source
from api.lease_watch import LeaseWatch
from api.looks import Looker
from api.posting import Ways
from api.pushes import forget_old
from api.receiver_address import exemptions_of
from api.sender import Outside, Sender
from api.state import State

LOOK_SECONDS = 0.5  # how soon it is noticed that something is due
TIDY_SECONDS = 600.0
STUCK_SECONDS = 900.0  # longer than any turn: a source that hangs is given up long before

log = structlog.get_logger()


@dataclass
class Round:
    """One thread, how often it has its turn, and when it last came round."""

    thread: threading.Thread
    seconds: float
    turned_at: float


class Background:
    """Four threads of the serving process; they end with the waits of its requests."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sender = make_sender(state)
        self._rounds: dict[str, Round] = {}
        self._looker = Looker(state.database, self._read_source, state.wakeups.pause)
        lease = timedelta(seconds=state.settings.lease_seconds)
        self._watch = LeaseWatch(state.database, state.clock, state.grace, lease)

    def start(self) -> None:
        """Begin."""
        for name, act, seconds in (
            ("sending", self._sender.send_due, LOOK_SECONDS),
            ("looking", self._looker.catch_up, LOOK_SECONDS),
            ("tidying", self._tidy, TIDY_SECONDS),
            ("watching", self._watch.look, self._watch.seconds),
        ):
            thread = threading.Thread(
                target=self._repeat, args=(name, act, seconds), name=name, daemon=True
            )
            self._rounds[name] = Round(thread, seconds, time.monotonic())
            thread.start()
        self._state.checks.add("background", self.check)

    def check(self) -> None:
        """Raise NotReadyError when one of the threads has ended or hangs."""
        if self._state.wakeups.closed:
            return
        for name, turn in self._rounds.items():
            silent = time.monotonic() - turn.turned_at
            if not turn.thread.is_alive():
                raise NotReadyError(
                    f"the thread {name!r} of this process has ended",
                    "restart the API, and report this with its log",
                )
            if silent > turn.seconds + STUCK_SECONDS:
                raise NotReadyError(
                    f"the thread {name!r} of this process has hung for {silent:.0f} s",
                    "read the API's log for what it waits for; restart the API if it lasts",
                )

    def _repeat(self, name: str, act: Callable[[], object], seconds: float) -> None:
        while not self._state.wakeups.pause(seconds):
            self._rounds[name].turned_at = time.monotonic()
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
        tell_result=state.metrics.hear_delivery,
    )
    return Sender(state.database, state.clock, outside, lambda: state.wakeups.closed)
