"""Tokens that were issued: who got which role until when, and whether that was taken back."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from api.audit import note_made
from api.principal import RESERVED, Role
from api.problems import FieldError, NotFound, Unprocessable
from api.signing_key import SigningKeys
from api.token_table import tokens
from api.tokens import Claims, sign

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
USED_STEP = timedelta(hours=1)
DEFAULT_DAYS = 90
MOST_DAYS = 3660


@dataclass(frozen=True)
class IssuedToken:
    """One token as its row has it."""

    id: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class Wanted:
    """A token that somebody wants to be issued."""

    name: str
    role: Role
    lasts: timedelta
    by: str


_COLUMNS = tuple(column.name for column in fields(IssuedToken))
_ONE = select(*(tokens.c[name] for name in _COLUMNS)).where(tokens.c.id == bindparam("token_id"))


def issue_token(
    connection: Connection, keys: SigningKeys, wanted: Wanted, now: datetime
) -> tuple[IssuedToken, str]:
    """Record a new token and return it with its text, which is kept nowhere."""
    _check_name(wanted.name)
    now = now.replace(microsecond=0)  # as the token itself says it
    expires_at = now + wanted.lasts
    token = IssuedToken(
        str(uuid4()), wanted.name, wanted.role, now, wanted.by, expires_at, None, None
    )
    values = {name: getattr(token, name) for name in _COLUMNS}
    connection.execute(insert(tokens).values(values | {"role": token.role.value}))
    note_made(connection, token.id)
    return token, sign(keys, Claims(token.id, token.name, token.role, now, expires_at))


def find_token(connection: Connection, token_id: str) -> IssuedToken | None:
    """Read one token; None when there is no such row."""
    row = connection.execute(_ONE, {"token_id": token_id}).one_or_none()
    return None if row is None else token_from_row(row)


def revoke_token(connection: Connection, token_id: str, now: datetime) -> IssuedToken:
    """Take a token back, and with it the sessions that began with it; raises NotFound."""
    still = (tokens.c.id == token_id) & tokens.c.revoked_at.is_(None)
    connection.execute(update(tokens).where(still).values(revoked_at=now))
    token = find_token(connection, token_id)
    if token is None:
        raise NotFound(f"there is no token {token_id!r}", "`trueline token list` shows the ids")
    return token


def note_use(connection: Connection, token_id: str, now: datetime) -> None:
    """Write down that a token is in use."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


def is_use_due(token: IssuedToken, now: datetime) -> bool:
    """Whether its last use is so long ago that this one is written down."""
    return token.last_used_at is None or now - token.last_used_at >= USED_STEP


def token_from_row(row: Row[Any]) -> IssuedToken:
    """Make a token of a row of `tokens`."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    return IssuedToken(**values | {"role": Role(row.role)})


def _check_name(name: str) -> None:
    if name in RESERVED:
        message = "this name means somebody without a token"
        raise Unprocessable(
            f"name: {name!r}: {message}",
            "choose another name",
            errors=[FieldError("/name", message)],
        )
