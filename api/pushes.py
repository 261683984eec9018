"""Takes in what forges send: authentic, once, about the source; then the source is looked at."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from api.forges import Event, Forge, Headers, event_of, is_authentic, keys_of, pushed, why_ignored
from api.looks import ask_look
from api.problems import BadRequest, Forbidden, Unavailable
from api.state import State
from api.webhook_tables import pushes

KEPT = timedelta(days=30)
MOST_KEPT = 20_000
BATCH = 500


class PushOutcome(StrEnum):
    """What becomes of a message."""

    ACCEPTED = "accepted"  # the source is looked at now
    REPEATED = "repeated"  # it was taken in before
    IGNORED = "ignored"  # it does not concern the source
    PONG = "pong"  # somebody listens


@dataclass(frozen=True)
class Taken:
    """What became of a message, and why."""

    outcome: PushOutcome
    reason: str | None = None


def check_authentic(state: State, forge: Forge, headers: Headers, body: bytes) -> None:
    """Raise Forbidden unless a forge that knows the secret has sent this."""
    secrets = read_secrets(state.settings.webhook_secret_file)
    if not is_authentic(forge, headers, body, secrets, state.clock().timestamp()):
        raise Forbidden(
            f"the message is not signed as {forge} does with a secret of this API",
            "give the forge a line of the file TRUELINE_WEBHOOK_SECRET_FILE as its secret, and "
            "check both clocks",
        )


def read_secrets(path: Path | None) -> Sequence[str]:
    """Read the secrets, one a line; raises Forbidden where none is set."""
    if path is None:
        raise Forbidden(
            "webhooks of forges are not taken in here",
            "set TRUELINE_WEBHOOK_SECRET_FILE to a file with the secret that the forge has",
        )
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            "the file of TRUELINE_WEBHOOK_SECRET_FILE cannot be read",
            "make it readable to the API",
        ) from error
    secrets = [line.strip() for line in lines if line.strip()]
    if not secrets:
        raise Unavailable(
            "the file of TRUELINE_WEBHOOK_SECRET_FILE is empty", "write the secret into it"
        )
    return secrets


def take_in(state: State, forge: Forge, headers: Headers, body: bytes, content: Any) -> Taken:
    """Take in an authentic message; `content` is its body, read."""
    event = event_of(forge, headers)
    if event is Event.PING:
        return Taken(PushOutcome.PONG)
    if event is Event.OTHER:
        return Taken(PushOutcome.IGNORED, "it is no push")
    push = pushed(content)
    if push is None:
        raise BadRequest(
            "the body of the push names no ref", "let the forge send JSON, and only pushes"
        )
    settings = state.settings
    if why := why_ignored(push, settings.source_url, settings.source_ref):
        return Taken(PushOutcome.IGNORED, why)
    keys = keys_of(forge, headers, body)
    if not keys:
        raise BadRequest(
            "the message has no id, or a very long one", "send it from the forge, not by hand"
        )
    with suppress(IntegrityError), state.database.write() as connection:  # twice at one moment
        if remember(connection, forge, keys, state.clock()):
            ask_look(connection)
            return Taken(PushOutcome.ACCEPTED)
    return Taken(PushOutcome.REPEATED, "it was taken in before")


def remember(connection: Connection, forge: Forge, keys: Sequence[str], now: datetime) -> bool:
    """Remember a message; False, and nothing is changed, when one of its keys is known."""
    known = select(pushes.c.key).where(pushes.c.key.in_(keys)).limit(1)
    if connection.execute(known).first() is not None:
        return False
    rows = [{"key": key, "forge": forge, "received_at": now} for key in keys]
    connection.execute(insert(pushes), rows)
    return True


def forget_old(connection: Connection, now: datetime) -> int:
    """Forget some messages of long ago, or beyond the most that are kept; 0 at the end."""
    newest = select(pushes.c.received_at).order_by(pushes.c.received_at.desc())
    edge = connection.execute(newest.offset(MOST_KEPT).limit(1)).scalar()
    before = max(now - KEPT, edge) if edge else now - KEPT
    some = select(pushes.c.key).where(pushes.c.received_at <= before).limit(BATCH)
    statement = delete(pushes).where(pushes.c.key.in_(some.scalar_subquery()))
    return connection.execute(statement).rowcount
