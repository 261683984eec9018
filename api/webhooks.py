"""Webhooks: who is told what, made and changed by hand; addresses and secrets are kept sealed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from api.apprise_process import AppriseProcess
from api.apprise_url import check_apprise
from api.audit import note_made
from api.config_secrets import OpenConfig, SecretBox
from api.deliveries import find_delivery
from api.deployments import deployment_id_of
from api.editions import Check, any_edition, edition_of
from api.happenings import Notice, happening
from api.integrations import find_integration
from api.problems import Conflict, FieldError, NotFound, Unprocessable
from api.receiver_address import exemptions_of, read_receiver
from api.secret_key import SecretKeyError
from api.signatures import key_of, new_secret
from api.state import State
from api.subscriptions import Kind
from api.telling import queue_row
from api.webhook_tables import deliveries, sealed_for, webhooks
from utils.errors import TruelineError

MOST_WEBHOOKS = 100
OVERLAP = timedelta(days=1)  # for receivers to take a new secret while the old one still signs
SECRETS = ("url", "secret", "former")
UNTIL = "former_until"
SHOWN = (
    *("id", "name", "kind", "address", "types", "integration", "deployment_id", "min_severity"),
    *("job_statuses", "enabled", "problem", "failures", "rest_until", "created_at", "updated_at"),
)
PLAIN = ("name", "types", "min_severity", "job_statuses", "enabled")  # written as they are sent
DECIDED = ("id", *PLAIN, "integration", "deployment_id", "sealed")


@dataclass(frozen=True)
class Written:
    """A webhook after a change; a secret that was made or set is told this once."""

    row: Row[Any]
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Opened:
    """A webhook's address and secret in clear; a former secret signs as well for a while."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    former: str = field(default="", repr=False)
    former_until: datetime | None = None

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Return what signs at a moment, the newest first."""
        overlaps = self.former_until is not None and now < self.former_until
        return (self.secret, self.former) if overlaps else (self.secret,)


def shown_webhook(row: Row[Any]) -> dict[str, Any]:
    """Return a webhook as the API shows it: nothing secret."""
    return {name: getattr(row, name) for name in SHOWN}


def webhook_edition(row: Row[Any]) -> str:
    """Name what was decided about a webhook: how its last tries went is no part of that."""
    return edition_of({name: getattr(row, name) for name in DECIDED})


def open_sealed(secrets: SecretBox, webhook_id: str, sealed: Mapping[str, Any]) -> Opened:
    """Open what only a sender needs; raises SecretKeyError."""
    opened = secrets.open_config(sealed_for(webhook_id), sealed).config
    until = opened.get(UNTIL)
    return Opened(
        opened["url"],
        opened["secret"],
        opened.get("former", ""),
        until and datetime.fromisoformat(until),
    )


def find_webhook(connection: Connection, key: str, *, lock: bool = False) -> Row[Any]:
    """Read the webhook with this id or name, locked if so wanted; raises NotFound."""
    statement = select(webhooks).where((webhooks.c.id == key) | (webhooks.c.name == key))
    row = connection.execute(statement.with_for_update() if lock else statement).first()
    if row is None:
        raise NotFound(f"there is no webhook {key!r}", "GET /api/v1/webhooks lists those there are")
    return row


def create_webhook(state: State, wanted: Mapping[str, Any]) -> Written:
    """Record a new webhook; `wanted` has every field of a request for one."""
    kind, new_id, now = Kind(wanted["kind"]), str(uuid4()), state.clock()
    secret = _secret_for(kind, wanted["secret"])
    row = {name: wanted[name] for name in PLAIN} | {
        "id": new_id,
        "kind": kind,
        "address": _checked_address(state, kind, wanted["url"]),
        "failures": 0,
        "created_at": now,
        "updated_at": now,
    }
    with _written(state, wanted["name"]) as connection:
        _check_room(connection)
        row |= _concern(connection, wanted)
        opened = Opened(wanted["url"], secret or "")
        row["sealed"] = _sealed(state.secrets, connection, new_id, opened)
        connection.execute(insert(webhooks).values(row))
        note_made(connection, new_id)
        return Written(find_webhook(connection, new_id), secret)


def change_webhook(
    state: State, key: str, changes: Mapping[str, Any], check: Check = any_edition
) -> Written:
    """Change the fields that are given; any change lets a resting one be tried again.

    `check` is called in the transaction with the edition that is to be changed.
    """
    with state.database.read() as connection:
        before = find_webhook(connection, key)
    secret = None
    if changes.get("secret") or changes.get("new_secret"):
        secret = _secret_for(Kind(before.kind), changes.get("secret"))
    values = {name: changes[name] for name in PLAIN if name in changes}
    values |= {"failures": 0, "rest_until": None, "problem": None, "updated_at": state.clock()}
    opened = None
    if changes.get("url") or secret:
        opened = _with_changes(state, before, changes.get("url"), secret)
        address = _checked_address(state, Kind(before.kind), opened.url)
        values = {"enabled": True} | values | {"address": address}
    this = (webhooks.c.id == before.id, webhooks.c.updated_at == before.updated_at)
    with _written(state, changes.get("name", before.name)) as connection:
        check(webhook_edition(find_webhook(connection, before.id, lock=True)))
        values |= _concern(connection, changes)
        if opened:
            values["sealed"] = _sealed(state.secrets, connection, before.id, opened)
        if connection.execute(update(webhooks).where(*this).values(values)).rowcount != 1:
            raise Conflict(f"webhook {key!r} changed meanwhile", "look at it and try again")
        return Written(find_webhook(connection, before.id), secret)


def delete_webhook(state: State, key: str, check: Check = any_edition) -> None:
    """Delete a webhook with all that waits for it."""
    with state.database.write() as connection:
        row = find_webhook(connection, key, lock=True)
        check(webhook_edition(row))
        connection.execute(delete(deliveries).where(deliveries.c.webhook_id == row.id))
        connection.execute(delete(webhooks).where(webhooks.c.id == row.id))


def queue_test(state: State, key: str) -> Row[Any]:
    """Queue an event that says nothing; return its delivery."""
    now = state.clock()
    with state.database.write() as connection:
        row = find_webhook(connection, key, lock=True)
        if not row.enabled:
            raise Conflict(f"webhook {row.name!r} is disabled", "enable it, then test it")
        connection.execute(update(webhooks).where(webhooks.c.id == row.id).values(rest_until=None))
        told = happening(Notice.TEST, f"webhooks/{row.id}", now, {"webhook": row.name})
        queued = queue_row(row.id, told, now)
        connection.execute(insert(deliveries).values(queued))
        return find_delivery(connection, queued["id"])


def _with_changes(state: State, before: Row[Any], url: str | None, secret: str | None) -> Opened:
    """Return a webhook's address and secret, those that are given in place of the stored ones."""
    try:
        old = open_sealed(state.secrets, before.id, before.sealed)
    except SecretKeyError as error:
        if url is not None and (secret or Kind(before.kind) is Kind.APPRISE):
            return Opened(url, secret or "")
        raise Conflict(
            f"what is sealed of webhook {before.name!r} cannot be opened",
            "send `url` and `new_secret` together",
        ) from error
    opened = replace(old, url=url or old.url)
    if secret is None or secret == old.secret:
        return opened
    until = state.clock() + OVERLAP
    return replace(opened, secret=secret, former=old.secret, former_until=until)


def _sealed(
    secrets: SecretBox, connection: Connection, webhook_id: str, opened: Opened
) -> dict[str, Any]:
    content = {name: getattr(opened, name) for name in SECRETS}
    if opened.former_until is not None:
        content[UNTIL] = opened.former_until.isoformat()
    pointers = tuple(f"/{name}" for name in SECRETS)
    return secrets.seal(connection, OpenConfig(content, pointers), sealed_for(webhook_id))


def _checked_address(state: State, kind: Kind, url: str) -> str:
    """Return an address as it may be shown; raises Unprocessable."""
    exempt = exemptions_of(state.settings.notify_private)
    try:
        if kind is Kind.WEBHOOK:
            return read_receiver(url, exempt).shown
        return check_apprise(url, AppriseProcess(state.settings.notify_private, state.environ))
    except TruelineError as error:
        fault = FieldError("/url", error.reason)
        raise Unprocessable(error.reason, error.advice, errors=[fault]) from error


def _secret_for(kind: Kind, given: str | None) -> str | None:
    if kind is Kind.APPRISE:
        if given is None:
            return None
        message = "nothing is signed for people"
        raise Unprocessable(message, "leave `secret` out", errors=[FieldError("/secret", message)])
    if given is not None:
        try:
            key_of(given)
        except ValueError as error:
            message = "this is no signing secret"
            raise Unprocessable(
                message,
                "leave it out for a new one, or send whsec_ and 24 to 64 bytes in base64",
                errors=[FieldError("/secret", message)],
            ) from error
    return given or new_secret()


def _concern(connection: Connection, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that name an integration or a deployment; raises NotFound."""
    columns: dict[str, Any] = {}
    if "integration" in wanted:
        name = wanted["integration"]
        columns["integration"] = name and find_integration(connection, name).name
    if "deployment" in wanted:
        key = wanted["deployment"]
        columns["deployment_id"] = key and deployment_id_of(connection, key)
    return columns


def _check_room(connection: Connection) -> None:
    count = connection.execute(select(func.count()).select_from(webhooks)).scalar_one()
    if count >= MOST_WEBHOOKS:
        raise Conflict(
            f"there are {MOST_WEBHOOKS} webhooks already", "delete one that nobody needs"
        )


@contextmanager
def _written(state: State, name: str) -> Iterator[Connection]:
    try:
        with state.database.write() as connection:
            yield connection
    except IntegrityError as error:
        raise Conflict(
            f"there is a webhook {name!r} already", "choose another name, or PATCH that one"
        ) from error
