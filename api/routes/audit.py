"""Read the audit log; for admins."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.audit import listed_entries
from api.list_queries import TimedQuery
from api.listing import read_list
from api.models import Answer
from api.openapi import blueprint
from api.state import current_state
from api.storable import StorableText

routes = blueprint("audit", __name__)


class AuditQuery(TimedQuery):
    """Which entries a list asks for; one of principal, action and object_id."""

    principal: StorableText | None = Field(None, max_length=200)
    action: StorableText | None = Field(None, max_length=100)
    object_id: StorableText | None = Field(None, max_length=200)
    changed: bool | None = Field(None, description="only changes, or only what changed nothing")


class AuditAnswer(Answer):
    """Who did what."""

    id: str
    at: datetime
    principal: str
    role: str | None = Field(description="null: nobody who is known")
    token_id: str | None
    action: str
    method: str
    route: str
    object_kind: str | None
    object_id: str | None = Field(description="as the request named it")
    fields: list[str] | None = Field(description="names of what was sent, never values")
    changed: bool = Field(description="whether a change was committed")
    status: int | None = Field(description="of the answer; null: the API ended before it")
    reason: str | None = Field(description="why it was refused")
    request_id: str


class AuditList(Answer):
    """One page of entries, newest first."""

    items: list[AuditAnswer]
    next_cursor: str | None


@routes.get("/audit", operation_id="list_audit", responses={200: AuditList})
def list_all(query: AuditQuery) -> dict[str, Any]:
    """List who changed what, newest first."""
    about = {name: getattr(query, name) for name in ("principal", "action", "object_id")}
    wanted = listed_entries(about, changed=query.changed, span=query.span)
    with current_state().database.read() as connection:
        page = read_list(connection, wanted, query)
    return {"items": [dict(row._mapping) for row in page.rows], "next_cursor": page.next_cursor}  # noqa: SLF001 - public, in spite of its name
