"""One thread in which syncs and reclaiming happen, one at a time, asked for by others."""

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog

from worker.current_catalogue import CurrentCatalogue
from worker.sync import Sync

FRESHEN_SECONDS = 120.0  # a job waits no longer for the commit that init has seen
REMEMBERED = 64

log = structlog.get_logger()


class Syncing:
    """Requests that come while a sync runs share the next one."""

    def __init__(
        self,
        sync: Sync,
        current: CurrentCatalogue,
        publish: Callable[[], None],
        reclaim: Callable[[], None],
    ) -> None:
        self._sync = sync
        self._current = current
        self._publish = publish
        self._reclaim = reclaim
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._reclaim_asked = False
        self._stopping = False
        self._not_ours: deque[str] = deque(maxlen=REMEMBERED)
        self._thread = threading.Thread(target=self._run, name="syncing", daemon=True)

    def start(self) -> None:
        """Begin to serve requests."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Begin no more syncs; one that runs may be left behind: what it makes is made whole."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def ask_sync(self) -> int:
        """Ask for a sync that begins after now; return its number."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
            return self._asked

    def ask_reclaim(self) -> None:
        """Ask for reclaiming what nothing uses."""
        with self._changed:
            self._reclaim_asked = True
            self._changed.notify_all()

    def freshen(self, integration: str, commit: str | None) -> None:
        """Wait, within bounds, until the integration stands at a commit that init has seen."""
        if commit is None or self._stands_at(integration, commit) or commit in self._not_ours:
            return
        number = self.ask_sync()
        end = time.monotonic() + FRESHEN_SECONDS
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._done >= number or self._stopping or self._stands_at(integration, commit)
                ),
                max(0.0, end - time.monotonic()),
            )
            if self._done >= number and self._sync.state.problem is None:
                self._remember(integration, commit)

    def _stands_at(self, integration: str, commit: str) -> bool:
        catalogue = self._current.get()
        offer = catalogue.offers.get(integration)
        return catalogue.commit == commit or (offer is not None and offer.judged_at == commit)

    def _remember(self, integration: str, commit: str) -> None:
        """Let a commit to which this worker's source does not lead cost one look, not one a job."""
        if not self._stands_at(integration, commit):
            self._not_ours.append(commit)

    def _run(self) -> None:
        while self._wait_for_work():
            with self._changed:
                number, reclaim = self._asked, self._reclaim_asked
                self._reclaim_asked = False
            try:
                if number > self._done and self._sync.run():
                    self._publish()
                if reclaim:
                    self._reclaim()
            except Exception:
                log.exception("sync crashed", advice="see the error; the next sync tries again")
            with self._changed:
                self._done = number
                self._changed.notify_all()

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._asked > self._done or self._reclaim_asked or self._stopping
            )
            return not self._stopping
