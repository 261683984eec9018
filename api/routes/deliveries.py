"""See what was sent and what was not, and send it again."""

from datetime import datetime
from typing import Any

from flask import url_for
from pydantic import Field

from api.deliveries import (
    DeliveryStatus,
    find_delivery,
    listed_deliveries,
    redeliver,
    shown_delivery,
)
from api.listing import read_list
from api.models import Answer, PageQuery, Path
from api.once import once
from api.openapi import blueprint, problem_responses
from api.state import current_state
from api.storable import StorableText
from api.webhooks import find_webhook

routes = blueprint("deliveries", __name__)


class DeliveryPath(Path):
    """Which delivery."""

    delivery_id: StorableText = Field(max_length=64)


class DeliveriesQuery(PageQuery):
    """Which deliveries a list asks for."""

    status: list[DeliveryStatus] = Field([], max_length=10, description="one or several")
    webhook: StorableText | None = Field(None, max_length=200, description="its id or name")


class Delivery(Answer):
    """An event on its way to one receiver."""

    id: str
    webhook_id: str
    event_id: str = Field(description="the CloudEvent's `id`, and the header webhook-id")
    type: str
    event: dict[str, Any] = Field(description="its subject, time and data")
    status: DeliveryStatus
    attempts: int
    due_at: datetime = Field(description="when it is tried next")
    answer: int | None = Field(description="the HTTP status that the receiver answered with last")
    error: str | None = Field(description="what went wrong last")
    created_at: datetime
    finished_at: datetime | None


class DeliveryList(Answer):
    """One page of deliveries, newest first."""

    items: list[Delivery]
    next_cursor: str | None


@routes.get(
    "/deliveries",
    operation_id="list_deliveries",
    responses={200: DeliveryList, **problem_responses(404)},
)
def list_all(query: DeliveriesQuery) -> dict[str, Any]:
    """List deliveries, newest first."""
    with current_state().database.read() as connection:
        webhook_id = query.webhook and find_webhook(connection, query.webhook).id
        page = read_list(connection, listed_deliveries(query.status, webhook_id), query)
    items = [shown_delivery(row) for row in page.rows]
    return {"items": items, "next_cursor": page.next_cursor}


@routes.get(
    "/deliveries/<delivery_id>",
    operation_id="read_delivery",
    responses={200: Delivery, **problem_responses(404)},
)
def read(path: DeliveryPath) -> dict[str, Any]:
    """Read one delivery."""
    with current_state().database.read() as connection:
        return shown_delivery(find_delivery(connection, path.delivery_id))


@routes.post(
    "/deliveries/<delivery_id>/redeliver",
    operation_id="redeliver",
    responses={202: Delivery, **problem_responses(404, 409)},
)
@once()
def send_again(path: DeliveryPath) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send a delivery again that was delivered or given up."""
    state = current_state()
    with state.database.write() as connection:
        row = redeliver(connection, path.delivery_id, state.clock())
    return shown_delivery(row), 202, {"Location": url_for("deliveries.read", delivery_id=row.id)}
