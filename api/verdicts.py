"""How an insight's verdict changes the violations that stand; pure, decided here alone."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from utils.results import Verdict
from utils.tasks import Severity

WHOLE_INSIGHT = ""  # the resource id of a finding that concerns no single resource


class ViolationStatus(StrEnum):
    """Where a violation stands."""

    OPEN = "open"  # nobody has looked at it
    ACKNOWLEDGED = "acknowledged"  # somebody knows
    MUTED = "muted"  # accepted, for good or until a time
    RESOLVED = "resolved"  # a pass closed it; a later fail opens it again


_V = ViolationStatus
ACTIVE = frozenset({_V.OPEN, _V.ACKNOWLEDGED, _V.MUTED})
BY_HAND: Mapping[ViolationStatus, frozenset[ViolationStatus]] = MappingProxyType(
    {
        _V.OPEN: ACTIVE,
        _V.ACKNOWLEDGED: ACTIVE,
        _V.MUTED: ACTIVE,
        _V.RESOLVED: frozenset(),
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: a resource, or the insight as a whole."""

    resource_id: str
    severity: Severity
    message: str | None = None
    data: Any = None


@dataclass(frozen=True)
class Observation:
    """One insight's verdict; `partial` says that it did not see everything."""

    verdict: Verdict
    partial: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Standing:
    """A violation of the same deployment and task as it stands before the fold."""

    id: str
    resource_id: str
    status: ViolationStatus
    muted_until: datetime | None = None

    def muted_at(self, now: datetime) -> bool:
        """Whether it is muted and stays so."""
        if self.status is not ViolationStatus.MUTED:
            return False
        return self.muted_until is None or self.muted_until > now


@dataclass(frozen=True)
class Seen:
    """A standing violation that was found again, and the status that it gets."""

    standing: Standing
    finding: Finding
    status: ViolationStatus


@dataclass(frozen=True)
class Fold:
    """What a verdict changes."""

    opened: tuple[Finding, ...] = ()
    seen: tuple[Seen, ...] = ()
    resolved: tuple[Standing, ...] = ()


def fold(standing: Iterable[Standing], observed: Observation, now: datetime) -> Fold:
    """Return what `observed` changes about the violations of its deployment and task."""
    known = {violation.resource_id: violation for violation in standing}
    if observed.verdict is Verdict.FAIL:
        return _fold_fail(known, observed, now)
    if observed.verdict is Verdict.PASS and not observed.partial:
        return Fold(resolved=_active(known.values()))
    return Fold()


def fingerprint(integration: str, deployment_id: str, task: str, resource_id: str) -> str:
    """Name a violation for good; no two different sources of it share a name."""
    parts = json.dumps([integration, deployment_id, task, resource_id])
    return sha256(parts.encode()).hexdigest()


def _fold_fail(known: Mapping[str, Standing], observed: Observation, now: datetime) -> Fold:
    found = {finding.resource_id: finding for finding in observed.findings}
    gone = [] if observed.partial else [known[id_] for id_ in known if id_ not in found]
    return Fold(
        opened=tuple(finding for id_, finding in found.items() if id_ not in known),
        seen=tuple(
            Seen(known[id_], finding, _status_when_seen(known[id_], now))
            for id_, finding in found.items()
            if id_ in known
        ),
        resolved=_active(gone),
    )


def _status_when_seen(standing: Standing, now: datetime) -> ViolationStatus:
    if standing.status is ViolationStatus.ACKNOWLEDGED or standing.muted_at(now):
        return standing.status
    return ViolationStatus.OPEN


def _active(violations: Iterable[Standing]) -> tuple[Standing, ...]:
    return tuple(violation for violation in violations if violation.status in ACTIVE)
