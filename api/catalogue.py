"""What workers report: which integrations they can run, and how the source is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from api.happenings import Happening, source_changed
from api.integrations import IntegrationState, ProblemBy, stored_problem
from api.tables import integrations, sources
from api.telling import tell
from utils.notes import Note

WRITTEN = ("state", "commit", "tasks", "environment", "problem")


@dataclass(frozen=True)
class SourceReport:
    """How a source stands; `url` holds no credentials."""

    url: str
    ref: str
    commit: str | None
    state: str
    problem: Note | None


@dataclass(frozen=True)
class Report:
    """What a worker can do with one integration."""

    name: str
    state: IntegrationState
    commit: str | None
    tasks: list[dict[str, Any]] | None
    environment: dict[str, Any] | None
    problem: Note | None


@dataclass(frozen=True)
class Recorded:
    """Which of the reported integrations are registered."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def record_source(connection: Connection, report: SourceReport, now: datetime) -> None:
    """Remember how a source stands."""
    this = sources.c.url == report.url
    before = connection.execute(select(sources.c.state).where(this).with_for_update()).scalar()
    values = {
        "ref": report.ref,
        "commit": report.commit,
        "state": report.state,
        "problem": report.problem.as_json() if report.problem else None,
        "checked_at": now,
    }
    if before is None:
        connection.execute(insert(sources).values(url=report.url, **values))
    else:
        connection.execute(update(sources).where(this).values(values))
    if report.state != (before or "ok"):
        tell(connection, now, lambda: [_change_of(report, now)])


def _change_of(report: SourceReport, now: datetime) -> Happening:
    problem = report.problem.as_json() if report.problem else None
    return source_changed(report.url, report.ref, report.commit, problem, now)


def record_reports(connection: Connection, reports: Iterable[Report], now: datetime) -> Recorded:
    """Remember what a worker can run; only what changed is written."""
    reported = {report.name: report for report in reports}
    rows = connection.execute(select(integrations).with_for_update()).all()
    known = {row.name: row for row in rows if row.name in reported}
    changes = []
    for name, row in known.items():
        new = _columns(row, reported[name])
        old = {key: getattr(row, key) for key in new}
        if new != old:
            is_update = _without_warm(new) != _without_warm(old)
            at = now if is_update else row.updated_at
            changes.append({"known_name": name, **new, "updated_at": at})
    if changes:
        values: dict[str, Any] = {key: bindparam(key) for key in (*WRITTEN, "updated_at")}
        named = integrations.c.name == bindparam("known_name")
        connection.execute(update(integrations).where(named).values(values), changes)
    return Recorded(tuple(sorted(known)), tuple(sorted(reported.keys() - known.keys())))


def _without_warm(columns: dict[str, Any]) -> dict[str, Any]:
    """Leave out the warm process, which comes and goes with use."""
    environment = columns["environment"]
    return columns | {"environment": environment and {**environment, "warm": None}}


def _columns(row: Row[Any], report: Report) -> dict[str, Any]:
    problem = stored_problem(report.problem, ProblemBy.WORKER) if report.problem else None
    if problem is None and (row.problem or {}).get("by") == ProblemBy.MANIFEST:
        problem = row.problem
    return {
        "state": report.state.value if row.enabled else IntegrationState.DISABLED.value,
        "commit": report.commit or row.commit,
        "tasks": report.tasks,
        "environment": report.environment,
        "problem": problem if row.enabled else None,
    }
