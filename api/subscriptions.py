"""Who is told what: each webhook's filter, and the deliveries that an event makes; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from api.happenings import VIOLATION_TYPES, EventType, Happening, Notice, happening
from api.webhook_tables import webhooks
from utils.tasks import Severity

MOST_IN_DIGEST = 20
TOLD_TO_PEOPLE = tuple(one for one in EventType if one is not EventType.JOB_FINISHED)


class Kind(StrEnum):
    """How somebody is told."""

    WEBHOOK = "webhook"  # CloudEvents, signed, to a program
    APPRISE = "apprise"  # a short text, to people


@dataclass(frozen=True)
class Subscription:
    """One webhook's filter; what is empty or None lets everything pass."""

    id: str
    kind: Kind
    types: frozenset[str]
    integration: str | None = None
    deployment_id: str | None = None
    min_severity: Severity | None = None
    job_statuses: frozenset[str] = field(default_factory=frozenset)

    def wants(self, told: Happening) -> bool:
        """Tell whether an event passes."""
        concern = told.concern
        return (
            told.type in self.types
            and self.integration in {None, concern.integration}
            and self.deployment_id in {None, concern.deployment_id}
            and (
                self.min_severity is None
                or concern.severity is None
                or concern.severity.rank >= self.min_severity.rank
            )
            and (not self.job_statuses or concern.job_status in {None, *self.job_statuses})
        )


_ENABLED = select(webhooks).where(webhooks.c.enabled.is_(True))


def read_subscriptions(connection: Connection) -> list[Subscription]:
    """Read who is to be told anything at all now."""
    return [_subscription(row) for row in connection.execute(_ENABLED)]


def usual_types(kind: Kind) -> tuple[EventType, ...]:
    """Return what a subscription that names no types is told."""
    return TOLD_TO_PEOPLE if kind is Kind.APPRISE else tuple(EventType)


def messages_for(subscription: Subscription, told: Collection[Happening]) -> Sequence[Happening]:
    """Return what a subscriber is sent of the events of one change.

    A program gets each event. People get one message for all violations of a job.
    """
    wanted = [one for one in told if subscription.wants(one)]
    violations = [one for one in wanted if one.type in VIOLATION_TYPES]
    if subscription.kind is Kind.WEBHOOK or len(violations) < 2:
        return wanted
    return [*(one for one in wanted if one not in violations), _digest(violations)]


def _digest(violations: Sequence[Happening]) -> Happening:
    ordered = sorted(violations, key=_worst_first)
    data = {
        "counts": {
            type_.value: sum(one.type is type_ for one in violations)
            for type_ in sorted(VIOLATION_TYPES)
        },
        "worst": [{"type": one.type.value, **one.data} for one in ordered[:MOST_IN_DIGEST]],
    }
    subject, at = f"jobs/{violations[0].data['job_id']}", violations[0].at
    return happening(Notice.DIGEST, subject, at, data)


def _worst_first(one: Happening) -> tuple[bool, int]:
    severity = one.concern.severity
    return one.type is EventType.VIOLATION_RESOLVED, -(severity.rank if severity else 0)


def _subscription(row: Row[Any]) -> Subscription:
    kind = Kind(row.kind)
    return Subscription(
        id=row.id,
        kind=kind,
        types=frozenset(row.types or usual_types(kind)),
        integration=row.integration,
        deployment_id=row.deployment_id,
        min_severity=Severity(row.min_severity) if row.min_severity else None,
        job_statuses=frozenset(row.job_statuses),
    )
