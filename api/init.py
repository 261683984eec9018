"""Init: reads the source's manifest from Git and brings the records in line with it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from api.catalogue import SourceReport, record_source
from api.problems import BadGateway, Unavailable, Unprocessable
from api.reconsideration import reconsider
from api.registration import Change, Outcome, plan_registration
from api.state import State
from api.tables import integrations
from utils.errors import ManifestError, SourceError
from utils.locks import LockTaken, held_lock
from utils.manifest import Manifest, Rejected, manifest_at
from utils.mirror import open_source

LONGEST_WAIT_SECONDS = 60


@dataclass(frozen=True)
class SourceManifest:
    """The manifest at one commit of a source; `url` holds no credentials."""

    url: str
    ref: str
    commit: str
    manifest: Manifest


@dataclass(frozen=True)
class Registered:
    """What an init did."""

    commit: str
    names: Mapping[Outcome, Sequence[str]]
    rejected: Sequence[Rejected]


def register_source(state: State) -> Registered:
    """Read the manifest now and record it; one init at a time.

    Raises BadGateway when the source cannot be read and Unprocessable when the whole manifest is
    unusable; the records are then untouched.
    """
    root = state.settings.data_dir / "api" / "source"
    with _alone(root):
        source = read_source(root, state)
        with state.database.write() as connection:
            changes = _record(connection, source, state)
    names = {
        outcome: [change.name for change in changes if change.outcome is outcome]
        for outcome in Outcome
    }
    return Registered(source.commit, names, source.manifest.rejected)


def read_source(root: Path, state: State) -> SourceManifest:
    """Read the manifest at the source's newest commit; `root` is where its mirror is kept."""
    try:
        mirror = open_source(root, state.settings, state.environ)
        commit = mirror.head_commit()
        manifest = manifest_at(mirror, commit)
    except SourceError as error:
        raise BadGateway(error.reason, error.advice) from error
    except ManifestError as error:
        raise Unprocessable(error.reason, error.advice) from error
    return SourceManifest(mirror.source.shown, mirror.source.ref, commit, manifest)


def _record(connection: Connection, source: SourceManifest, state: State) -> tuple[Change, ...]:
    now = state.clock()
    rows = connection.execute(select(integrations).with_for_update())
    changes = plan_registration(source.manifest, {row.name: row for row in rows})
    for change in changes:
        _write(connection, change, now)
    listed = [entry.name for entry in source.manifest.entries]
    connection.execute(
        update(integrations)
        .where(integrations.c.name.in_(listed))
        .values(commit=source.commit, registered_commit=source.commit)
    )
    reconsider(
        connection, [change.name for change in changes if change.columns], state.secrets, now
    )
    report = SourceReport(source.url, source.ref, source.commit, "ok", None)
    record_source(connection, report, now)
    return changes


def _write(connection: Connection, change: Change, now: datetime) -> None:
    if not change.columns:
        return
    values = {**change.columns, "updated_at": now}
    if change.is_new:
        new = {"name": change.name, "created_at": now}
        connection.execute(insert(integrations).values(values | new))
        return
    named = integrations.c.name == change.name
    connection.execute(update(integrations).where(named).values(values))


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(held_lock(root / "init.lock", LONGEST_WAIT_SECONDS))
        except LockTaken as error:
            raise Unavailable(
                f"another init has been running for {LONGEST_WAIT_SECONDS} s",
                "wait for its end and send the request again",
                retry_after_seconds=10,
            ) from error
        yield
