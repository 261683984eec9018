"""Who the API takes the caller for."""

from typing import Any

from api.models import Answer
from api.openapi import blueprint
from api.principal import Role, current_principal

routes = blueprint("me", __name__)


class Me(Answer):
    """The caller, as the audit log names it."""

    name: str
    role: Role
    token_id: str | None


@routes.get("/me", operation_id="read_me", responses={200: Me})
def read() -> dict[str, Any]:
    """Tell who the caller is; without a signing key it is whoever is on this machine."""
    principal = current_principal()
    return {"name": principal.name, "role": principal.role, "token_id": principal.token_id}
