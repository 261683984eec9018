"""The catalogue in force, and which of its snapshots running jobs hold."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from worker.catalogue import Catalogue, Offer
from worker.job_order import Prepared


class CurrentCatalogue:
    """Replaced as a whole by syncs, read by jobs; a job keeps the pair that it began with."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._commits_in_use: Counter[str] = Counter()

    def get(self) -> Catalogue:
        """Return the catalogue in force."""
        return self._catalogue

    def replace(self, catalogue: Catalogue) -> None:
        """Let the jobs that start from now on use another catalogue."""
        with self._lock:
            self._catalogue = catalogue

    def offer(self, offer: Offer) -> None:
        """Replace one integration of the catalogue."""
        with self._lock:
            self._catalogue = self._catalogue.with_offer(offer)

    @contextmanager
    def hold(self, name: str) -> Iterator[Prepared]:
        """Resolve what a job runs, and keep it from being reclaimed until the job ends."""
        with self._lock:
            prepared = self._catalogue.pair(name)
            self._commits_in_use[prepared.commit] += 1
        try:
            with prepared.environment.in_use():
                yield prepared
        finally:
            with self._lock:
                self._commits_in_use[prepared.commit] -= 1

    def commits_in_use(self) -> frozenset[str]:
        """Return the commits whose snapshots must stay: of jobs, of pairs, and the newest."""
        with self._lock:
            running = {commit for commit, jobs in self._commits_in_use.items() if jobs}
            offered = {prepared.commit for prepared in self._catalogue.prepared}
            newest = {self._catalogue.commit} if self._catalogue.commit else set()
            return frozenset(running | offered | newest)
