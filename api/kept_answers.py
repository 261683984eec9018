"""Answers that are kept under their Idempotency-Key, each in the transaction of its effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Connection, Insert, and_, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from api.kept_answers_table import kept_answers
from api.problems import Unprocessable

KEPT_FOR = timedelta(hours=24)
MOST_FORGOTTEN = 1_000  # at once


_THIS = and_(
    kept_answers.c.caller == bindparam("of_caller"),
    kept_answers.c.route == bindparam("of_route"),
    kept_answers.c.key == bindparam("of_key"),
)
_READ = select(kept_answers).where(_THIS)
_FORGET = delete(kept_answers).where(_THIS)
_KEEP = update(kept_answers).where(_THIS)
_KEY_COLUMNS = ("caller", "route", "key")


def _claim(insert: sqlite.Insert | postgresql.Insert) -> Insert:
    """Take a key that is free, or whose time is over."""
    columns = (column.name for column in kept_answers.c if not column.primary_key)
    new = {name: insert.excluded[name] for name in columns}
    over = kept_answers.c.created_at <= bindparam("over", type_=kept_answers.c.created_at.type)
    taken = insert.on_conflict_do_update(index_elements=_KEY_COLUMNS, set_=new, where=over)
    return taken.returning(kept_answers.c.key)


_CLAIMS: Mapping[str, Insert] = MappingProxyType(
    {
        "sqlite": _claim(sqlite.insert(kept_answers)),
        "postgresql": _claim(postgresql.insert(kept_answers)),
    }
)


@dataclass(frozen=True)
class Key:
    """Whose key it is, for which route, and what was asked."""

    caller: str
    route: str
    key: str
    request_sha256: str

    @property
    def columns(self) -> dict[str, str]:
        """The columns that name the kept answer."""
        return {"caller": self.caller, "route": self.route, "key": self.key}

    @property
    def named(self) -> dict[str, str]:
        """The same, as the statements here take them."""
        return {f"of_{name}": value for name, value in self.columns.items()}


@dataclass(frozen=True)
class KeptAnswer:
    """An answer that was given before; `body` is None where it held a secret."""

    status: int
    location: str | None
    body: bytes | None


def read_answer(connection: Connection, key: Key, now: datetime) -> KeptAnswer | None:
    """Return what was answered under this key; raises Unprocessable if another request was."""
    row = connection.execute(_READ, key.named).first()
    if row is None or row.created_at <= now - KEPT_FOR:
        return None
    if row.request_sha256 != key.request_sha256:
        raise Unprocessable(
            "this Idempotency-Key came with another request before",
            "send each new request with a new key, and the same key only with the same request",
        )
    return KeptAnswer(row.status, row.location, row.body)


def claim_key(connection: Connection, key: Key, now: datetime) -> KeptAnswer | None:
    """Take a key until the transaction ends, or return what was answered under it.

    Another transaction that has taken it is waited for.
    """
    row = {**key.columns, "request_sha256": key.request_sha256, "status": 0, "created_at": now}
    claim = _CLAIMS[connection.dialect.name]
    if connection.execute(claim, row | {"over": now - KEPT_FOR}).first() is not None:
        return None
    return read_answer(connection, key, now)


def keep_answer(connection: Connection, key: Key, answer: KeptAnswer) -> None:
    """Keep the answer to the request whose key was claimed in this transaction."""
    values = {"status": answer.status, "location": answer.location, "body": answer.body}
    connection.execute(_KEEP, key.named | values)


def forget_answers(connection: Connection, now: datetime) -> int:
    """Remove a bounded number of answers whose time is over; return how many there were."""
    over = kept_answers.c.created_at <= now - KEPT_FOR
    columns = (kept_answers.c.caller, kept_answers.c.route, kept_answers.c.key)
    rows = connection.execute(select(*columns).where(over).limit(MOST_FORGOTTEN)).all()
    if rows:
        connection.execute(_FORGET, [Key(*row, "").named for row in rows])
    return len(rows)
