"""Issue, list and revoke tokens; for admins."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field
from sqlalchemy import select

from api.gate import Gate
from api.issued_tokens import (
    DEFAULT_DAYS,
    MOST_DAYS,
    NAME,
    IssuedToken,
    Wanted,
    issue_token,
    revoke_token,
    token_from_row,
)
from api.models import Answer, Body, PageQuery, Path
from api.once import once
from api.openapi import blueprint, problem_responses
from api.paging import Order, read_page
from api.principal import Role, current_principal
from api.problems import Conflict
from api.state import State, current_state
from api.storable import StorableText
from api.token_table import tokens

routes = blueprint("tokens", __name__)


class TokenPath(Path):
    """Which token."""

    token_id: StorableText = Field(max_length=64)


class TokenBody(Body):
    """A token that is wanted."""

    name: str = Field(pattern=NAME, description="whose it is; renewed tokens keep it")
    role: Role
    days: int = Field(DEFAULT_DAYS, ge=1, le=MOST_DAYS, description="how long it is good for")


class TokenAnswer(Answer):
    """An issued token, without the token."""

    id: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="to the hour or so")


class NewToken(TokenAnswer):
    """A token that was issued just now."""

    token: str = Field(description="shown this once")


class TokenList(Answer):
    """One page of tokens, newest first."""

    items: list[TokenAnswer]
    next_cursor: str | None


@routes.post(
    "/tokens", operation_id="create_token", responses={201: NewToken, **problem_responses(409)}
)
@once(is_secret=True)
def create(body: TokenBody) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Issue a token; nobody can read it again."""
    state = current_state()
    wanted = Wanted(body.name, body.role, timedelta(days=body.days), current_principal().name)
    keys = _gate(state).keys
    with state.database.write() as connection:
        token, text = issue_token(connection, keys, wanted, state.clock())
    return _shown(token) | {"token": text}, 201, {"Cache-Control": "no-store"}


@routes.get("/tokens", operation_id="list_tokens", responses={200: TokenList})
def list_all(query: PageQuery) -> dict[str, Any]:
    """List tokens, newest first."""
    order = Order((tokens.c.created_at, tokens.c.id))
    with current_state().database.read() as connection:
        page = read_page(connection, select(tokens), order, query)
    items = [_shown(token_from_row(row)) for row in page.rows]
    return {"items": items, "next_cursor": page.next_cursor}


@routes.delete(
    "/tokens/<token_id>",
    operation_id="revoke_token",
    responses={200: TokenAnswer, **problem_responses(404)},
)
def revoke(path: TokenPath) -> dict[str, Any]:
    """Take a token back: from now on every API process refuses it."""
    state = current_state()
    with state.database.write() as connection:
        token = revoke_token(connection, path.token_id, state.clock())
    return _shown(token)


def _gate(state: State) -> Gate:
    if state.gate is None:
        raise Conflict(
            "this API has no signing key: it asks nobody for a token",
            "make one with `trueline token key PATH`, set TRUELINE_SIGNING_KEY_FILE to it and "
            "start the API again",
        )
    return state.gate


def _shown(token: IssuedToken) -> dict[str, Any]:
    return asdict(token)
