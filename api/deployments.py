"""Deployments: an integration with a config that its schema accepts, and a schedule."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from api.audit import note_made
from api.config_secrets import masked, with_kept_secrets
from api.configs import Judged, check_config, check_form, judge_stored
from api.cron import ScheduleError
from api.editions import Check, any_edition, edition_of
from api.listing import ALWAYS, Selection, Span, Split
from api.paging import Order
from api.problems import Conflict, FieldError, NotFound, Unavailable, Unprocessable
from api.retirement import retire
from api.schedules import next_due, read_timezone
from api.secret_key import SecretKeyError
from api.standing import DeploymentState, Timing, disabled_note, standing
from api.state import State
from api.tables import deployments, integrations
from utils.notes import Note
from utils.suggest import did_you_mean

SHOWN = (
    *("id", "name", "integration", "config", "schedule", "timezone", "enabled", "state"),
    *("problem", "next_due_at", "created_at", "updated_at"),
)
TIMING = ("schedule", "timezone")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMED = select(deployments).where(
    or_(deployments.c.id == bindparam("key"), deployments.c.name == bindparam("key"))
)
_LOCKED = _NAMED.with_for_update()
_JUDGES = ("name", "schema", "enabled")  # what of an integration decides about a deployment
_INTEGRATION = select(*(integrations.c[name] for name in _JUDGES)).where(
    integrations.c.name == bindparam("integration")
)
_NEW = insert(deployments).returning(deployments)  # once made, SQLAlchemy finds its SQL
WISHES = ("name", *TIMING, "enabled")  # what a PATCH may change, beside the config
DECIDED = ("id", *WISHES, "config", "state", "problem")


def shown_deployment(row: Row[Any]) -> dict[str, Any]:
    """Return a deployment as the API shows it: secrets are masked."""
    shown = {name: getattr(row, name) for name in SHOWN}
    return shown | {"config": masked(row.config)}


def deployment_edition(row: Row[Any]) -> str:
    """Name what was decided about a deployment, and what that has led to."""
    return edition_of({name: getattr(row, name) for name in DECIDED})


def find_deployment(connection: Connection, key: str, *, lock: bool = False) -> Row[Any]:
    """Read the deployment with this id or name, locked if so wanted; raises NotFound."""
    row = connection.execute(_LOCKED if lock else _NAMED, {"key": key}).first()
    if row is None:
        known = connection.execute(select(deployments.c.name).limit(1000)).scalars()
        raise NotFound(
            f"there is no deployment {key!r}{did_you_mean(key, known)}",
            "GET /api/v1/deployments lists those there are",
        )
    return row


@dataclass(frozen=True)
class WantedDeployments:
    """Which deployments a list asks for; what is empty asks for all."""

    states: Collection[DeploymentState] = ()
    integrations: tuple[str, ...] = ()
    by_name: bool = False
    span: Span = ALWAYS
    descending: bool = True


def listed_deployments(wanted: WantedDeployments) -> Selection:
    """Return the deployments that a list asks for, by the time they were made or by name."""
    table = deployments.c
    whose = (Split(table.integration, wanted.integrations),) if wanted.integrations else ()
    states = Split(table.state, tuple(dict.fromkeys(wanted.states or DeploymentState)))
    columns = (table.name,) if wanted.by_name else (table.created_at, table.id)
    order = Order(columns, wanted.descending)
    return Selection(deployments, (*whose, states), order, wanted.span)


def is_id(key: str) -> bool:
    """Tell an id from a name: no deployment may be named like one."""
    return _ID.fullmatch(key) is not None


def deployment_id_of(connection: Connection, key: str) -> str:
    """Return the id of the deployment with this id or name; a deleted one is known by its id."""
    found: str = key if is_id(key) else find_deployment(connection, key).id
    return found


def create_deployment(state: State, wanted: Mapping[str, Any]) -> Row[Any]:
    """Record a new deployment of all WISHES, integration and config; returns its row."""
    now = state.clock()
    with state.database.read() as connection:
        integration = _integration(connection, wanted["integration"])
    new_id = str(uuid4())
    config = check_config(integration.schema, wanted["config"])
    row = dict(wanted) | {"id": new_id, "created_at": now, "updated_at": now}
    timing = _timing(wanted, now, None)
    row |= _standing_columns(integration, timing, now, wanted=wanted["enabled"], fault=None)
    with _written(state, wanted["name"]) as connection:
        _check_unchanged(connection, integration)
        row |= {"config": state.secrets.seal(connection, config, new_id)}
        note_made(connection, new_id)
        return connection.execute(_NEW, row).one()


def update_deployment(
    state: State, key: str, changes: Mapping[str, Any], check: Check = any_edition
) -> Row[Any]:
    """Change some fields of a deployment; a masked secret in a config keeps the stored one.

    `check` is called in the transaction with the edition that is to be changed.
    """
    now = state.clock()
    with state.database.read() as connection:
        old = find_deployment(connection, key)
        integration = _integration(connection, old.integration)
    _check_same_integration(old, changes)
    judged = _changed_config(state, old, integration, changes)
    wish = {name: changes.get(name, getattr(old, name)) for name in WISHES}
    kept_due = old.next_due_at if all(wish[n] == getattr(old, n) for n in TIMING) else None
    timing = _timing(wish, old.created_at, kept_due)
    values = wish | {"fault": None, "updated_at": now}
    enabled = wish["enabled"]
    values |= _standing_columns(integration, timing, now, wanted=enabled, fault=judged.fault)
    as_it_was = (deployments.c.id == old.id, deployments.c.updated_at == old.updated_at)
    with _written(state, wish["name"]) as connection:
        check(deployment_edition(find_deployment(connection, old.id, lock=True)))
        _check_unchanged(connection, integration)
        values |= judged.columns(state.secrets, connection, old.id)
        changed = connection.execute(update(deployments).where(*as_it_was).values(values))
        if changed.rowcount != 1:
            raise Conflict(f"deployment {old.name!r} changed meanwhile", "look at it and try again")
        return find_deployment(connection, old.id)


def delete_deployment(state: State, key: str, check: Check = any_edition) -> tuple[str, ...]:
    """Delete a deployment and return its jobs that were cancelled; raises Conflict if one runs.

    Its jobs are kept as history; its open violations are resolved with a note.
    """
    with state.database.write() as connection:
        row = find_deployment(connection, key, lock=True)
        check(deployment_edition(row))
        cancelled = retire(connection, row, state.clock())
        connection.execute(delete(deployments).where(deployments.c.id == row.id))
    return cancelled


def _integration(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(_INTEGRATION, {"integration": name}).first()
    if row is None:
        known = connection.execute(select(integrations.c.name)).scalars()
        message = f"there is no integration {name!r}{did_you_mean(name, known)}"
        raise Unprocessable(
            message,
            "GET /api/v1/integrations lists those there are; POST /init-integrations reads the "
            "source again",
            errors=[FieldError("/integration", message)],
        )
    return row


def _check_unchanged(connection: Connection, integration: Row[Any]) -> None:
    if _integration(connection, integration.name) != integration:
        raise Conflict(
            f"integration {integration.name!r} changed meanwhile", "send the request again"
        )


def _check_same_integration(old: Row[Any], changes: Mapping[str, Any]) -> None:
    if changes.get("integration", old.integration) != old.integration:
        message = "a deployment's integration cannot be changed"
        raise Unprocessable(
            message, "make another deployment", errors=[FieldError("/integration", message)]
        )


def _changed_config(
    state: State, old: Row[Any], integration: Row[Any], changes: Mapping[str, Any]
) -> Judged:
    if "config" not in changes:
        return judge_stored(state.secrets, integration.schema, old)
    check_form(changes["config"])
    new = with_kept_secrets(changes["config"], old.config)
    try:
        kept = state.secrets.open_kept(old.id, new, old.config)
    except SecretKeyError as error:
        raise Conflict(error.reason, error.advice) from error
    return Judged(None, check_config(integration.schema, kept.config, kept.secrets))


def _timing(wish: Mapping[str, Any], anchor: datetime, due: datetime | None) -> Timing:
    try:
        read_timezone(wish["timezone"])
        if wish["schedule"] is not None:
            next_due(wish["schedule"], wish["timezone"], anchor, anchor)
    except ScheduleError as error:
        raise Unprocessable(
            error.reason, error.advice, errors=[FieldError(f"/{error.field}", error.reason)]
        ) from error
    return Timing(wish["schedule"], wish["timezone"], anchor, due)


def _standing_columns(
    integration: Row[Any], timing: Timing, now: datetime, *, wanted: bool, fault: Note | None
) -> Mapping[str, object]:
    disabled = None if integration.enabled else disabled_note(integration.name)
    stands = standing(timing, now, wanted=wanted, integration_fault=disabled, config_fault=fault)
    return stands.columns()


@contextmanager
def _written(state: State, name: str) -> Iterator[Connection]:
    try:
        with state.database.write() as connection:
            yield connection
    except SecretKeyError as error:
        raise Unavailable(error.reason, error.advice) from error
    except IntegrityError as error:
        message = f"there is a deployment {name!r} already"
        raise Conflict(message, "choose another name, or PATCH that one") from error
