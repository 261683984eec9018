"""Retention: removes what is older than its setting says, one API process at a time."""

import time
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Connection, Select, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from api.clock import Clock
from api.database import Database
from api.retention_kinds import KINDS, Kind, Step
from api.retention_table import retention
from utils.settings import Settings

INTERVAL = timedelta(hours=1)
HOLD = timedelta(minutes=5)  # for a step; after this another process takes over

log = structlog.get_logger()


class Retention:
    """One API process's part in it."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._name = str(uuid4())

    def run(self, stop: Event) -> dict[str, int]:
        """Remove what is too old now, unless it was done lately; return rows by kind."""
        removed = {}
        for kind in KINDS:
            days = keep_days(self._settings, kind)
            if days and not stop.is_set() and (step := self._take(kind)) is not None:
                removed[kind.name] = self._walk(kind, step, days, stop)
        return removed

    def run_until(self, stop: Event, first_seconds: float = 60) -> None:
        """Run now and then until told to stop; an error is logged, and the next run tries again."""
        while not stop.wait(first_seconds):
            try:
                self.run(stop)
            except SQLAlchemyError as error:
                log.warning("retention broke off", error=type(error).__name__)
            except Exception:  # the edge of its thread: the next hour tries again
                log.exception("retention crashed")

    def _walk(self, kind: Kind, step: Step, days: float, stop: Event) -> int:
        started, total = time.monotonic(), 0
        cutoff = self._clock() - timedelta(days=days)
        while not step.is_last and not stop.is_set():
            began = time.monotonic()
            with self._database.write(durable=False) as connection:
                if not self._hold(connection, kind):
                    return total
                step = kind.remove(connection, cutoff, step)
                total += step.removed
                self._note(connection, kind, step)
            if not step.is_last:
                stop.wait(time.monotonic() - began)  # half of the time is for everybody else
        if total:
            seconds = round(time.monotonic() - started, 3)
            log.info("old records removed", kind=kind.name, rows=total, seconds=seconds)
        return total

    def _take(self, kind: Kind) -> Step | None:
        """Begin a walk; None where another process is at it, or it was done lately."""
        now = self._clock()
        try:
            with self._database.write() as connection:
                row = connection.execute(_row(kind)).first()
                if row is None:
                    new = {"kind": kind.name, "holder": self._name, "held_until": now + HOLD}
                    connection.execute(insert(retention).values(**new, removed=0))
                    return Step()
                # Times to come are of a clock that went wrong; they count for nothing.
                if row.ran_at is not None and timedelta(0) <= now - row.ran_at < INTERVAL:
                    return None
                return Step(row.mark) if self._hold(connection, kind) else None
        except IntegrityError:  # another process was quicker to add the row
            return None

    def _hold(self, connection: Connection, kind: Kind) -> bool:
        now = self._clock()
        until = retention.c.held_until
        is_free = or_(until.is_(None), until < now, until > now + 2 * HOLD)
        taken = connection.execute(
            update(retention)
            .where(retention.c.kind == kind.name, or_(is_free, retention.c.holder == self._name))
            .values(holder=self._name, held_until=now + HOLD)
        )
        return taken.rowcount == 1

    def _note(self, connection: Connection, kind: Kind, step: Step) -> None:
        values: dict[str, Any] = {"removed": retention.c.removed + step.removed}
        if kind.is_walked_once:
            values["mark"] = step.mark
        if step.is_last:
            values |= {"ran_at": self._clock(), "held_until": None}
        connection.execute(update(retention).where(retention.c.kind == kind.name).values(**values))


def keep_days(settings: Settings, kind: Kind) -> float:
    """Return how many days a kind of data is kept; 0: forever."""
    days: float = getattr(settings, f"keep_{kind.name}_days")
    return days


def _row(kind: Kind) -> Select[Any]:
    return select(retention).where(retention.c.kind == kind.name).with_for_update()
