"""Ticks: workers ask again and again that what is due be done."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import Field

from api.models import Answer, Body
from api.openapi import blueprint
from api.retries import are_due_again
from api.state import current_state
from api.storable import StorableText
from api.ticks import tick
from api.wakeups import WORK

routes = blueprint("ticks", __name__)


class TickBody(Body):
    """Who asks."""

    worker: StorableText = Field(min_length=1, max_length=200)


class TickAnswer(Answer):
    """What was done, and when the next deployment is due."""

    created: list[str] = Field(description="jobs made for due deployments")
    expired: list[str] = Field(description="jobs taken away from silent workers")
    next_due_at: datetime | None


@routes.post("/ticks", operation_id="tick", responses={200: TickAnswer})
def do_tick(body: TickBody) -> dict[str, Any]:
    """Do what is due; any number of workers may ask at once."""
    del body
    state = current_state()
    with state.database.write() as connection:
        now = state.clock()
        done = tick(connection, now, state.grace)
        again = are_due_again(connection, now)
    if done.created or done.expired or again:
        state.wakeups.wake(WORK)
        state.wakeups.wake_jobs(*done.expired)
    return asdict(done)
