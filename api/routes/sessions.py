"""End people's sessions; for admins."""

from typing import Any

from pydantic import Field

from api.models import Answer, Path
from api.openapi import blueprint
from api.sessions import close_sessions_of
from api.state import current_state
from api.storable import StorableText

routes = blueprint("sessions", __name__)


class PersonPath(Path):
    """Whose sessions."""

    name: StorableText = Field(max_length=200)


class Closed(Answer):
    """How many sessions ended."""

    closed: int


@routes.delete("/sessions/<name>", operation_id="close_sessions", responses={200: Closed})
def close(path: PersonPath) -> dict[str, Any]:
    """Log somebody out, wherever they are logged in."""
    with current_state().database.write() as connection:
        return {"closed": close_sessions_of(connection, path.name)}
