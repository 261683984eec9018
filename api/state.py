"""What every request of one app works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from api.clock import Clock
from api.config_secrets import SecretBox
from api.database import Database
from api.gate import Gate
from api.grace import Grace
from api.metrics import Metrics
from api.wakeups import Wakeups
from utils.checks import Checks
from utils.settings import Settings
from utils.steps import Stops

if TYPE_CHECKING:
    from api.oidc import Provider

KEY = "trueline"


@dataclass(frozen=True)
class State:
    """One app's settings, database, clock, wake-ups, sealing box, variables and gate."""

    settings: Settings
    database: Database
    clock: Clock
    wakeups: Wakeups
    secrets: SecretBox
    started_at: datetime
    grace: Grace  # when leases may expire
    environ: Mapping[str, str]  # of the process, for git
    metrics: Metrics
    shared_metrics: Path | None  # where several processes keep theirs; None: this one is alone
    stops: Stops  # `state.stops.add(name, stop)` has something ended before the process goes
    checks: Checks  # `state.checks.add(name, look)` adds one to /health/ready
    gate: Gate | None = None  # none: whoever is on this machine may do everything
    people: "Provider | None" = None  # where people log in


def state_of(app: Flask) -> State:
    """Return the state that `create_app` gave to this app."""
    return cast("State", app.extensions[KEY])


def current_state() -> State:
    """Return the state of the app that answers the request under way."""
    return state_of(current_app)
