"""Register what the source's manifest lists."""

from typing import Any

from pydantic import Field

from api.init import register_source
from api.models import Answer
from api.once import once
from api.openapi import blueprint, problem_responses
from api.registration import Outcome
from api.state import current_state

routes = blueprint("init", __name__, prefix=None)


class Rejection(Answer):
    """An entry that cannot be used; an existing record of that name keeps its data."""

    name: str
    reason: str
    advice: str


class Registration(Answer):
    """What an init did."""

    commit: str = Field(description="the commit whose manifest was read")
    created: list[str]
    updated: list[str]
    unchanged: list[str]
    disabled: list[str] = Field(description="they left the manifest or are not enabled in it")
    rejected: list[Rejection]


@routes.post(
    "/init-integrations",
    operation_id="init_integrations",
    responses={200: Registration, **problem_responses(502)},
)
@once()
def init() -> dict[str, Any]:
    """Read the source's manifest now and record what it lists."""
    done = register_source(current_state())
    shown = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DISABLED)
    return {
        "commit": done.commit,
        **{outcome.value: done.names[outcome] for outcome in shown},
        "rejected": [
            {"name": it.name, "reason": it.reason, "advice": it.advice} for it in done.rejected
        ],
    }
