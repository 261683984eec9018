"""When leases may expire: not before workers have had the time to renew them."""

import threading
from datetime import datetime, timedelta

OUTAGE_SHARE = 1 / 3  # of a lease: a shorter outage falls between two renewals and costs none


class Grace:
    """No lease expires within one lease of the API's start, or of the end of an outage.

    In an outage this API cannot write to its database, so no worker can renew through it; that is
    not their fault. Each process of the API sees for itself, and none has to tell the others: what
    keeps all of them from writing is the database that they share.
    """

    def __init__(self, since: datetime, lease: timedelta) -> None:
        self._since = since
        self._lease = lease
        self._lock = threading.Lock()
        self._reached_at: datetime | None = None  # None: nobody looks, so outages are not known

    def note_reached(self, now: datetime) -> timedelta | None:
        """Note that leases can be renewed now; return how long an outage was that ends with it."""
        with self._lock:
            outage = self._outage(now)
            if outage is not None or now < self._since:  # or the clock was set back
                self._since = now
            self._reached_at = now
            return outage

    def is_away(self, now: datetime) -> bool:
        """Whether an outage lasts: every lease gets one more period at its end."""
        with self._lock:
            return self._outage(now) is not None

    def over(self, now: datetime) -> bool:
        """Whether workers have had the time to be heard."""
        return not self.is_away(now) and now >= self._since + self._lease

    def _outage(self, now: datetime) -> timedelta | None:
        """Return how long there was no word of the database, if it was long."""
        if self._reached_at is None:
            return None
        silence = now - self._reached_at
        return silence if silence > OUTAGE_SHARE * self._lease else None
