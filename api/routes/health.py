"""Whether the API is up, and what it is made of."""

from typing import Any

from api.models import Answer
from api.openapi import blueprint

routes = blueprint("health", __name__, prefix=None)


class Live(Answer):
    """The process answers."""

    status: str


@routes.get("/health/live", responses={200: Live})
def live() -> dict[str, Any]:
    """Tell that the process answers."""
    return {"status": "ok"}
