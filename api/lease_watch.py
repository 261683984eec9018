"""Looks often whether leases can be renewed, and tells workers when an outage prevents it."""

from datetime import timedelta

import structlog
from flask import Flask, request
from sqlalchemy import false, update

from api.clock import Clock
from api.database import Database
from api.grace import Grace
from api.problems import DatabaseAway
from api.tables import jobs

RENEWALS = "leases.renew"
LOOK_SHARE = 0.1  # of a lease
MOST_SECONDS = 1.0

_AS_A_RENEWAL = update(jobs).values(losses=jobs.c.losses).where(false())  # its locks, no change

log = structlog.get_logger()


class LeaseWatch:
    """Tells the grace what it finds; one for each process of the API."""

    def __init__(self, database: Database, clock: Clock, grace: Grace, lease: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._grace = grace
        self.seconds = min(LOOK_SHARE * lease.total_seconds(), MOST_SECONDS)  # between two looks

    def look(self) -> None:
        """Write nothing, as a renewal would write; raises what that would raise."""
        with self._database.write(durable=False) as connection:
            connection.execute(_AS_A_RENEWAL)
        outage = self._grace.note_reached(self._clock())
        if outage is not None:
            log.warning("leases get more time", outage_seconds=round(outage.total_seconds(), 1))


def tell_outages(app: Flask, grace: Grace, clock: Clock) -> None:
    """Answer renewals at once in an outage: what waits for the database may outlast the lease."""

    def check() -> None:
        if request.endpoint == RENEWALS and grace.is_away(clock()):
            raise DatabaseAway(
                "this API cannot write to its database now, so leases cannot be renewed",
                "go on, and ask again in a moment: at its return each lease gets one more period",
                retry_after_seconds=1,
            )

    app.before_request(check)
