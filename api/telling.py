"""Puts events into the queue of deliveries, in the transaction of the change that they tell."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Connection, bindparam, func, select

from api.deliveries import DeliveryStatus
from api.happenings import Happening
from api.recording import insert_rows
from api.subscriptions import Subscription, messages_for, read_subscriptions
from api.webhook_tables import deliveries

MOST_WAITING = 10_000  # of one webhook; what comes then is dropped, and the log says so

_PENDING = (
    select(deliveries.c.id)
    .where(
        deliveries.c.webhook_id == bindparam("webhook_id"),
        deliveries.c.status == DeliveryStatus.PENDING,
    )
    .limit(bindparam("most"))
)
_WAITING = select(func.count()).select_from(_PENDING.subquery())

log = structlog.get_logger()


def tell(
    connection: Connection, now: datetime, happened: Callable[[], Sequence[Happening]]
) -> None:
    """Queue what has happened for everyone who wants it; where nobody does, it is not even made."""
    subscriptions = read_subscriptions(connection)
    if not subscriptions:
        return
    told = happened()
    for subscription in subscriptions:
        if messages := messages_for(subscription, told):
            _queue(connection, subscription, messages, now)


def queue_row(webhook_id: str, message: Happening, now: datetime) -> dict[str, Any]:
    """Return the row of a delivery that is due at once."""
    return {
        "id": str(uuid4()),
        "webhook_id": webhook_id,
        "event_id": message.id,
        "type": message.type.value,
        "event": message.as_json(),
        "status": DeliveryStatus.PENDING,
        "attempts": 0,
        "due_at": now,
        "claim": None,
        "answer": None,
        "error": None,
        "created_at": now,
        "since": now,
        "finished_at": None,
    }


def _queue(
    connection: Connection,
    subscription: Subscription,
    messages: Sequence[Happening],
    now: datetime,
) -> None:
    room = max(MOST_WAITING - waiting(connection, subscription.id), 0)
    if len(messages) > room:
        log.warning(
            "events dropped",
            webhook=subscription.id,
            events=len(messages) - room,
            reason=f"{MOST_WAITING} wait for this receiver already",
            advice="see what its deliveries fail with, and mend the receiver or disable it",
        )
    rows = [queue_row(subscription.id, message, now) for message in messages[:room]]
    insert_rows(connection, deliveries, rows)


def waiting(connection: Connection, webhook_id: str) -> int:
    """Count the deliveries that a webhook still waits for, up to MOST_WAITING."""
    values = {"webhook_id": webhook_id, "most": MOST_WAITING}
    return connection.execute(_WAITING, values).scalar_one()
