"""Who changed what: rows of the audit log, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, insert, select, update

from api.audit_table import audit
from api.listing import ALWAYS, Selection, Span, Split
from api.paging import Order
from api.principal import Principal
from api.problems import FieldError, Unprocessable

MOST_FIELDS = 50
LONGEST_NAME = 100
LONGEST_REASON = 500


# Statements are made once: SQLAlchemy then finds their SQL without building them.
_NEW = insert(audit)
_AGAIN = update(audit).where(audit.c.id == bindparam("known_id"))
_VALUES = [bindparam(column.name, type_=column.type) for column in audit.c]
_KNOWN = select(audit.c.id).where(audit.c.id == bindparam("id", type_=audit.c.id.type)).exists()
_ONCE = insert(audit).from_select(list(audit.c), select(*_VALUES).where(~_KNOWN))
_MADE = "trueline_made"  # an option of a connection, so it goes with the transaction


@dataclass(frozen=True)
class Entry:
    """One row: who did what to what, and how it was answered."""

    at: datetime
    action: str
    method: str
    route: str
    request_id: str
    object_kind: str | None = None
    object_id: str | None = None
    principal: str = ""
    role: str | None = None
    token_id: str | None = None
    fields: tuple[str, ...] | None = None
    changed: bool = False
    status: int | None = None
    reason: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))

    def by(self, principal: Principal, **known: Any) -> "Entry":
        """Return it as done by somebody, and with what else is known by now."""
        name, role, token_id = principal.name, principal.role, principal.token_id
        return replace(self, principal=name, role=role, token_id=token_id, **known)


def note_made(connection: Connection, object_id: str) -> None:
    """Say what a transaction makes; where only the answer does, that is written in another one."""
    connection.execution_options(**{_MADE: object_id})


def made_in(connection: Connection) -> str | None:
    """Return what a transaction makes, where that was said."""
    made: str | None = connection.get_execution_options().get(_MADE)
    return made


def record_change(connection: Connection, entry: Entry, *, is_first: bool) -> None:
    """Write an entry, unless a transaction before this one has; where that failed it has not."""
    connection.execute(_NEW if is_first else _ONCE, _row(entry))


def record(connection: Connection, entry: Entry) -> None:
    """Write an entry, or what became of it since."""
    row = _row(entry)
    if connection.execute(_AGAIN, row | {"known_id": entry.id}).rowcount == 0:
        connection.execute(_NEW, row)


def listed_entries(
    about: Mapping[str, str | None], *, changed: bool | None = None, span: Span = ALWAYS
) -> Selection:
    """Return the entries that a list asks for: the newest first.

    `about` is a value of one indexed column; None leaves one open. Raises Unprocessable for two.
    """
    given = [(name, value) for name, value in about.items() if value is not None]
    if len(given) > 1:
        raise _too_many([name for name, _ in given])
    whose = [Split(audit.c[name], (value,)) for name, value in given]
    outcomes = Split(audit.c.changed, (True, False) if changed is None else (changed,))
    return Selection(audit, (*whose, outcomes), Order((audit.c.at, audit.c.id)), span)


def field_names(body: object) -> tuple[str, ...] | None:
    """Return the names of what a body holds, with those one level below, never a value."""
    if not isinstance(body, Mapping):
        return None
    names: list[str] = []
    for name, value in body.items():
        below = list(value)[:MOST_FIELDS] if isinstance(value, Mapping) else []
        names += [f"{name}/{one}" for one in below] or [str(name)]
    return tuple(name.replace("\0", "")[:LONGEST_NAME] for name in names[:MOST_FIELDS])


def _too_many(names: list[str]) -> Unprocessable:
    message = "this filter does not go with another one of them"
    return Unprocessable(
        f"{' and '.join(names)} cannot be asked for together",
        "ask for one of them, and look through what comes",
        errors=[FieldError(f"/{name}", message) for name in names],
    )


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = dict(
        vars(entry)
    )  # asdict() would copy each value: it takes ten times as long
    row["fields"] = None if entry.fields is None else list(entry.fields)
    row["reason"] = entry.reason and entry.reason[:LONGEST_REASON]
    return row
