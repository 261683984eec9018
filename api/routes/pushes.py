"""Where GitHub, GitLab and Gitea tell of pushes; their signature is all the access it takes."""

from typing import Any

import structlog
from flask import current_app, request
from pydantic import Field

from api.audit_trail import note_login
from api.forges import Forge
from api.models import Answer, Path
from api.openapi import blueprint
from api.principal import Principal
from api.problems import BadRequest
from api.pushes import PushOutcome, check_authentic, read_secrets, take_in
from api.state import current_state

routes = blueprint("pushes", __name__, prefix=None)

log = structlog.get_logger()


class ForgePath(Path):
    """Who sends."""

    forge: Forge


class TakenAnswer(Answer):
    """What became of a message."""

    status: PushOutcome
    reason: str | None = Field(description="why nothing was done")


@routes.post(
    "/webhooks/<forge>", operation_id="take_push", responses={200: TakenAnswer, 202: TakenAnswer}
)
def take(path: ForgePath) -> tuple[dict[str, Any], int]:
    """Take in a forge's webhook: a push to the source has it looked at within seconds."""
    state = current_state()
    read_secrets(state.settings.webhook_secret_file)  # who has none reads no body either
    body = request.get_data()
    check_authentic(state, path.forge, request.headers, body)
    note_login(Principal(f"webhook {path.forge}", None))  # the audit log says who it was
    taken = take_in(state, path.forge, request.headers, body, _content(body))
    log.info("webhook taken in", forge=path.forge, status=taken.outcome, reason=taken.reason)
    status = 202 if taken.outcome is PushOutcome.ACCEPTED else 200
    return {"status": taken.outcome, "reason": taken.reason}, status


def _content(body: bytes) -> Any:
    try:
        return current_app.json.loads(body)
    except ValueError as error:
        raise BadRequest(
            "the body is not JSON", "set the webhook's content type to application/json"
        ) from error
