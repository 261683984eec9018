"""Whether the API is up, and whether what it depends on works."""

from typing import Any, Literal

from pydantic import Field

from api.health import isolation_levels
from api.models import Answer
from api.openapi import blueprint
from api.permissions import READERS
from api.principal import current_principal
from api.state import current_state
from utils import __version__

routes = blueprint("health", __name__, prefix=None)

NOW = {"Cache-Control": "no-store"}  # an answer of before says nothing; it has no ETag either


class Live(Answer):
    """The process answers."""

    status: Literal["ok"]


class CheckAnswer(Answer):
    """What one check found."""

    name: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    advice: str | None
    detail: str = Field(description="what else there is to say; mostly nothing")


class Ready(Answer):
    """Whether requests can be served, and every check's part in that."""

    status: Literal["ok", "failed"]
    version: str | None = Field(description="null to whom no details are told")
    checks: list[CheckAnswer]
    isolation: list[str] = Field(description="the levels at which integrations run now")


@routes.get("/health/live", operation_id="check_live", responses={200: Live})
def live() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Tell that the process answers."""
    return {"status": "ok"}, 200, NOW


@routes.get("/health/ready", operation_id="check_ready", responses={200: Ready, 503: Ready})
def ready() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Tell whether requests can be served: 503 when something that is needed does not work."""
    checks = current_state().checks.run()
    failed = any(check.error for check in checks)
    if current_principal().role not in READERS:
        closed = {"status": "failed" if failed else "ok", "version": None}
        return closed | {"isolation": [], "checks": []}, 503 if failed else 200, NOW
    answer = {
        "status": "failed" if failed else "ok",
        "version": __version__,
        "isolation": [] if failed else isolation_levels(current_state().database),
        "checks": [check.as_json() for check in checks],
    }
    return answer, 503 if failed else 200, NOW
