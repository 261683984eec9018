"""Say who is told what: list, create, change, test and delete webhooks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import url_for
from pydantic import AfterValidator, Field, StrictBool, StrictStr
from sqlalchemy import select

from api.deliveries import shown_delivery
from api.deployments import is_id
from api.editions import announce_edition, if_match
from api.happenings import EventType
from api.models import Answer, Body, PageQuery, Path, ProblemNote
from api.once import once
from api.openapi import blueprint, problem_responses
from api.paging import Order, read_page
from api.routes.deliveries import Delivery
from api.state import current_state
from api.storable import StorableText
from api.subscriptions import Kind
from api.webhook_tables import webhooks
from api.webhooks import (
    Written,
    change_webhook,
    create_webhook,
    delete_webhook,
    find_webhook,
    queue_test,
    shown_webhook,
    webhook_edition,
)
from utils.tasks import Severity

routes = blueprint("webhooks", __name__)
ORDER = Order((webhooks.c.created_at, webhooks.c.id))


def _checked_name(name: str) -> str:
    if is_id(name):
        raise ValueError("this looks like an id; choose another name")
    return name


Name = Annotated[
    StrictStr,
    Field(min_length=1, max_length=200, pattern=r"^[\w][\w .:@+-]*$"),
    AfterValidator(_checked_name),
]
EndName = Literal["success", "partial", "failed", "cancelled"]


class Filter(Body):
    """What somebody is told; a field that is left out lets everything pass."""

    types: list[EventType] = Field(
        [], max_length=20, description="of events; none: all, or for people all but jobs"
    )
    integration: StorableText | None = Field(None, max_length=64)
    deployment: StorableText | None = Field(None, max_length=200, description="its id or name")
    min_severity: Severity | None = Field(None, description="of violations: this and worse")
    job_statuses: list[EndName] = Field([], max_length=10, description="of jobs; none: all")


class NewWebhook(Filter):
    """A webhook to create."""

    name: Name
    kind: Kind = Kind.WEBHOOK
    url: StorableText = Field(max_length=2000, description="https, or an address of apprise")
    secret: StorableText | None = Field(
        None, max_length=200, description="whsec_...; left out: a new one is made"
    )
    enabled: StrictBool = True


class WebhookChanges(Filter):
    """The fields to change; those left out stay as they are."""

    name: Name = ""
    url: StorableText = Field("", min_length=1, max_length=2000)
    secret: StorableText = Field("", max_length=200, description="replaces the present one")
    new_secret: StrictBool = Field(False, description="true: make a new one")
    enabled: StrictBool = True


class WebhookPath(Path):
    """Which webhook: its id or its name."""

    webhook: StorableText = Field(max_length=200)


class Webhook(Answer):
    """A webhook; of its address only what is no secret."""

    id: str
    name: str
    kind: Kind
    address: str = Field(description="without its path, which may be a secret")
    types: list[str]
    integration: str | None
    deployment_id: str | None
    min_severity: Severity | None
    job_statuses: list[str]
    enabled: bool
    problem: ProblemNote | None = Field(description="what failed last, or why it is disabled")
    failures: int = Field(description="tries that failed, in a row")
    rest_until: datetime | None = Field(description="nothing is sent before, since it failed")
    created_at: datetime
    updated_at: datetime


class WrittenWebhook(Webhook):
    """A webhook after a change."""

    secret: str | None = Field(description="shown this once: what its signatures are made with")


class WebhookList(Answer):
    """One page of webhooks, newest first."""

    items: list[Webhook]
    next_cursor: str | None


@routes.post(
    "/webhooks",
    operation_id="create_webhook",
    responses={201: WrittenWebhook, **problem_responses(404, 409)},
)
@once(is_secret=True)
def create(body: NewWebhook) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Create a webhook; the answer alone tells its secret."""
    made = create_webhook(current_state(), body.model_dump())
    return _shown(made), 201, {"Location": url_for("webhooks.read", webhook=made.row.id)}


@routes.get("/webhooks", operation_id="list_webhooks", responses={200: WebhookList})
def list_all(query: PageQuery) -> dict[str, Any]:
    """List the webhooks, newest first."""
    with current_state().database.read() as connection:
        page = read_page(connection, select(webhooks), ORDER, query)
    items = [shown_webhook(row) for row in page.rows]
    return {"items": items, "next_cursor": page.next_cursor}


@routes.get(
    "/webhooks/<webhook>",
    operation_id="read_webhook",
    responses={200: Webhook, **problem_responses(404)},
)
def read(path: WebhookPath) -> dict[str, Any]:
    """Read one webhook."""
    with current_state().database.read() as connection:
        row = find_webhook(connection, path.webhook)
    announce_edition(webhook_edition(row))
    return shown_webhook(row)


@routes.patch(
    "/webhooks/<webhook>",
    operation_id="change_webhook",
    responses={200: WrittenWebhook, **problem_responses(404, 409, 412)},
)
def change(path: WebhookPath, body: WebhookChanges) -> dict[str, Any]:
    """Change some fields of a webhook; any change has it tried again at once."""
    changes = body.model_dump(exclude_unset=True)
    check = if_match(f"webhook {path.webhook!r}")
    return _shown(change_webhook(current_state(), path.webhook, changes, check))


@routes.delete(
    "/webhooks/<webhook>",
    operation_id="delete_webhook",
    responses={204: None, **problem_responses(404, 412)},
)
def remove(path: WebhookPath) -> tuple[str, int]:
    """Delete a webhook and its deliveries."""
    delete_webhook(current_state(), path.webhook, if_match(f"webhook {path.webhook!r}"))
    return "", 204


@routes.post(
    "/webhooks/<webhook>/test",
    operation_id="test_webhook",
    responses={202: Delivery, **problem_responses(404, 409)},
)
@once()
def test(path: WebhookPath) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Send an event that says nothing; the answer is its delivery, to be looked at."""
    row = queue_test(current_state(), path.webhook)
    return shown_delivery(row), 202, {"Location": url_for("deliveries.read", delivery_id=row.id)}


def _shown(written: Written) -> dict[str, Any]:
    announce_edition(webhook_edition(written.row))
    return shown_webhook(written.row) | {"secret": written.secret}
