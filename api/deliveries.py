"""Deliveries: events on their way to receivers, claimed by one sender at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_hex
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    exists,
    or_,
    select,
    update,
)

from api.delivery_rules import LONGEST, Tried, judge, rest_until
from api.listing import Selection, Split
from api.paging import Order
from api.problems import Conflict, NotFound
from api.webhook_tables import deliveries, webhooks
from utils.notes import Note

CLAIM = timedelta(minutes=3)  # longer than any try lasts: then another sender may have it
KEPT = timedelta(days=7)  # after it was delivered
KEPT_DEAD = timedelta(days=30)
BATCH = 500
SHOWN = (
    *("id", "webhook_id", "event_id", "type", "event", "status", "attempts", "due_at"),
    *("answer", "error", "created_at", "finished_at"),
)
GONE = Note(
    "the receiver answered 410: it wants no more events",
    "give it another address with PATCH, which enables it again, or delete it",
)


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"  # it is tried, now or later
    DELIVERED = "delivered"  # the receiver has it
    DEAD = "dead"  # given up; it can be redelivered by hand


_S = DeliveryStatus


@dataclass(frozen=True)
class Claimed:
    """A delivery and its receiver, for one sender to try."""

    id: str
    claim: str
    attempts: int
    row: Row[Any]


def shown_delivery(row: Row[Any]) -> dict[str, Any]:
    """Return a delivery as the API shows it."""
    return {name: getattr(row, name) for name in SHOWN}


def listed_deliveries(statuses: Collection[DeliveryStatus], webhook_id: str | None) -> Selection:
    """Return the deliveries that a list asks for: the newest first."""
    whose = () if webhook_id is None else (Split(deliveries.c.webhook_id, (webhook_id,)),)
    states = Split(deliveries.c.status, tuple(dict.fromkeys(statuses or DeliveryStatus)))
    order = Order((deliveries.c.created_at, deliveries.c.id))
    return Selection(deliveries, (*whose, states), order)


def find_delivery(connection: Connection, delivery_id: str) -> Row[Any]:
    """Read one delivery, locked until the transaction ends; raises NotFound."""
    statement = select(deliveries).where(deliveries.c.id == delivery_id).with_for_update()
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(
            f"there is no delivery {delivery_id!r}",
            "GET /api/v1/deliveries lists those there are; old ones are removed",
        )
    return row


def redeliver(connection: Connection, delivery_id: str, now: datetime) -> Row[Any]:
    """Send a delivery again from its first try; raises NotFound, and Conflict for a waiting one."""
    row = find_delivery(connection, delivery_id)
    if row.status == _S.PENDING:
        raise Conflict(
            f"delivery {delivery_id} is still on its way", "wait for its end, then send it again"
        )
    again = {"status": _S.PENDING, "attempts": 0, "due_at": now, "since": now, "finished_at": None}
    connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(again))
    connection.execute(
        update(webhooks).where(webhooks.c.id == row.webhook_id).values(rest_until=None)
    )
    return find_delivery(connection, delivery_id)


def receivers_due(connection: Connection, now: datetime) -> Sequence[str]:
    """Return the webhooks that something is due for and that are not resting."""
    due = exists().where(deliveries.c.webhook_id == webhooks.c.id, *_due(now))
    statement = select(webhooks.c.id).where(_awake(now), due).order_by(webhooks.c.id)
    return connection.execute(statement).scalars().all()


def claim_one(connection: Connection, webhook_id: str, now: datetime) -> Claimed | None:
    """Take the next delivery of a webhook; nobody else has it until the claim ends."""
    statement = (
        select(deliveries, webhooks.c.kind, webhooks.c.sealed)
        .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
        .where(deliveries.c.webhook_id == webhook_id, *_due(now), _awake(now))
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(1)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    row = connection.execute(statement).first()
    if row is None:
        return None
    claimed = Claimed(row.id, token_hex(16), row.attempts + 1, row)
    taken = {"claim": claimed.claim, "attempts": claimed.attempts, "due_at": now + CLAIM}
    connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(taken))
    return claimed


def record_try(
    connection: Connection, claimed: Claimed, tried: Tried, now: datetime, luck: float
) -> bool:
    """Record how a try ended; False when the claim had passed to another sender."""
    verdict = judge(tried, claimed.attempts, claimed.row.since, now, luck)
    values: dict[str, Any] = {"claim": None, "answer": tried.answer, "error": tried.error}
    if verdict.due_at:
        values |= {"due_at": verdict.due_at}
    else:
        status = _S.DEAD if verdict.dead else _S.DELIVERED
        values |= {"status": status, "finished_at": now}
    mine = (deliveries.c.id == claimed.id, deliveries.c.claim == claimed.claim)
    if connection.execute(update(deliveries).where(*mine).values(values)).rowcount != 1:
        return False
    _note_receiver(connection, claimed.row.webhook_id, tried, now)
    return True


def bury_old(connection: Connection, now: datetime) -> int:
    """Give up deliveries that were not tried in time, as those of a disabled webhook."""
    late = (deliveries.c.status == _S.PENDING, deliveries.c.since < now - LONGEST)
    some = select(deliveries.c.id).where(*late, deliveries.c.due_at <= now).limit(BATCH)
    error = "it could not be sent within a day"
    values = {"status": _S.DEAD, "finished_at": now, "claim": None, "error": error}
    statement = update(deliveries).where(deliveries.c.id.in_(some.scalar_subquery()))
    return connection.execute(statement.values(values)).rowcount


def remove_old(connection: Connection, now: datetime) -> int:
    """Remove some of the deliveries that ended long ago; 0 when there are none left."""
    removed = 0
    for status, kept in ((_S.DELIVERED, KEPT), (_S.DEAD, KEPT_DEAD)):
        old = (deliveries.c.status == status, deliveries.c.since < now - kept)
        some = select(deliveries.c.id).where(*old).limit(BATCH)
        statement = delete(deliveries).where(deliveries.c.id.in_(some.scalar_subquery()))
        removed += connection.execute(statement).rowcount
    return removed


def _note_receiver(connection: Connection, webhook_id: str, tried: Tried, now: datetime) -> None:
    this = webhooks.c.id == webhook_id
    if tried.error is None:
        well = {"failures": 0, "rest_until": None, "problem": None}
        failed = or_(webhooks.c.failures > 0, webhooks.c.rest_until.is_not(None))
        connection.execute(update(webhooks).where(this, failed).values(well))
        return
    if tried.gone:
        off = {"enabled": False, "problem": GONE.as_json()}
        connection.execute(update(webhooks).where(this).values(off))
        return
    failures = 1 + (connection.execute(select(webhooks.c.failures).where(this)).scalar() or 0)
    values = {
        "failures": failures,
        "rest_until": rest_until(tried, failures, now),
        "problem": _last_failure(tried).as_json(),
    }
    connection.execute(update(webhooks).where(this).values(values))


def _last_failure(tried: Tried) -> Note:
    return Note(
        f"the last try failed: {tried.error}",
        "see its deliveries; it is tried again by itself for a day",
    )


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return deliveries.c.status == _S.PENDING, deliveries.c.due_at <= now


def _awake(now: datetime) -> ColumnElement[bool]:
    rested = or_(webhooks.c.rest_until.is_(None), webhooks.c.rest_until <= now)
    return rested & webhooks.c.enabled.is_(True)
