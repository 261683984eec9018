"""Integrations as the API keeps them: the manifest's entry and what workers report of it."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from api.listing import Selection, Split
from api.paging import Order
from api.problems import NotFound
from api.tables import integrations
from utils.notes import Note
from utils.suggest import did_you_mean

SHOWN = (
    *("name", "title", "description", "enabled", "schema", "hosts", "state", "commit", "tasks"),
    *("environment", "created_at", "updated_at"),
)


class IntegrationState(StrEnum):
    """Where an integration stands."""

    REGISTERED = "registered"  # no worker has reported on it yet
    READY = "ready"  # workers can run it
    BROKEN = "broken"  # its newest commit cannot run; its last good one still may
    DISABLED = "disabled"  # the manifest does not list it, or not as enabled


class ProblemBy(StrEnum):
    """Who found a problem, and so who takes it back."""

    MANIFEST = "manifest"  # init: the entry was rejected
    WORKER = "worker"  # the folder or its environment is broken


def stored_problem(note: Note, by: ProblemBy) -> dict[str, str]:
    """Return what is wrong with an integration, as its row keeps it."""
    return note.as_json() | {"by": by.value}


def shown_integration(row: Row[Any]) -> dict[str, Any]:
    """Return an integration as the API shows it."""
    problem = row.problem
    if problem is not None:
        problem = {"reason": problem["reason"], "advice": problem["advice"]}
    return {name: getattr(row, name) for name in SHOWN} | {"problem": problem}


def listed_integrations(
    states: Collection[IntegrationState], *, descending: bool = False
) -> Selection:
    """Return the integrations that a list asks for, by name; no state asks for all."""
    wanted = Split(integrations.c.state, tuple(dict.fromkeys(states or IntegrationState)))
    return Selection(integrations, (wanted,), Order((integrations.c.name,), descending))


def find_integration(connection: Connection, name: str) -> Row[Any]:
    """Read one integration; raises NotFound."""
    row = connection.execute(select(integrations).where(integrations.c.name == name)).first()
    if row is None:
        known = connection.execute(select(integrations.c.name)).scalars()
        raise NotFound(
            f"there is no integration {name!r}{did_you_mean(name, known)}",
            "GET /api/v1/integrations lists those there are; POST /init-integrations reads the "
            "source again",
        )
    return row
