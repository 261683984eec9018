"""Sessions of people at the web page: a random cookie, and a row that can be taken away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import Connection, bindparam, delete, insert, select

from api.principal import Principal, Role
from api.token_table import sessions, tokens

LONGEST_COOKIE = 64
_ONE = (
    select(sessions, tokens.c.revoked_at, tokens.c.expires_at.label("token_expires_at"))
    .join_from(sessions, tokens, sessions.c.token_id == tokens.c.id, isouter=True)
    .where(sessions.c.key == bindparam("key"))
)


@dataclass(frozen=True)
class Session:
    """Who has logged in, and until when that holds."""

    principal: Principal
    expires_at: datetime


def open_session(
    connection: Connection, principal: Principal, now: datetime, lasts: timedelta
) -> str:
    """Record a session and return what its cookie says; sessions that are over go."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    cookie = token_urlsafe(32)
    row = {
        "key": _key(cookie),
        "name": principal.name,
        "role": principal.role,
        "token_id": principal.token_id,
        "created_at": now,
        "expires_at": now + lasts,
    }
    connection.execute(insert(sessions).values(row))
    return cookie


def find_session(connection: Connection, cookie: str, now: datetime) -> Session | None:
    """Return the session of a cookie; None when it, or the token that began it, is over."""
    if len(cookie) > LONGEST_COOKIE:
        return None
    row = connection.execute(_ONE, {"key": _key(cookie)}).one_or_none()
    if row is None or row.revoked_at is not None:
        return None
    if min(row.expires_at, row.token_expires_at or row.expires_at) <= now:
        return None
    return Session(Principal(row.name, Role(row.role), row.token_id), row.expires_at)


def close_session(connection: Connection, cookie: str) -> None:
    """Forget a session; its cookie is worth nothing from now on."""
    connection.execute(delete(sessions).where(sessions.c.key == _key(cookie)))


def close_sessions_of(connection: Connection, name: str) -> int:
    """Forget every session of one person, or of tokens of that name; return how many those were."""
    return connection.execute(delete(sessions).where(sessions.c.name == name)).rowcount


def _key(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()
