"""The catalogue on disk, so that a restart during an outage serves what worked before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from utils.files import write_durably
from utils.notes import Note
from worker.catalogue import Catalogue, Good, Offer, catalogue_of
from worker.environment import Environment
from worker.job_order import Prepared

log = structlog.get_logger()

FindSnapshot = Callable[[str], Path | None]
FindEnvironment = Callable[[str], Environment | None]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Note(_Row):
    reason: str
    advice: str


class _Good(_Row):
    commit: str
    environment: str
    tree: str
    tasks: tuple[dict[str, Any], ...]
    source: dict[str, str]
    hosts: tuple[str, ...] | None = None
    tier: str | None = None


class _Offer(_Row):
    name: str
    judged_at: str
    good: _Good | None
    problem: _Note | None
    retry: bool


class _File(_Row):
    format: int
    source: str
    commit: str
    offers: tuple[_Offer, ...]


class CatalogueFile:
    """One catalogue of one source; that of another source is not taken over."""

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source

    def write(self, catalogue: Catalogue) -> None:
        """Replace the file."""
        if catalogue.commit is None:
            return
        offers = tuple(_row(offer) for offer in catalogue.offers.values())
        file = _File(format=1, source=self._source, commit=catalogue.commit, offers=offers)
        write_durably(self._path, file.model_dump_json().encode())

    def read(self, snapshot: FindSnapshot, environment: FindEnvironment) -> Catalogue:
        """Return what was written, less the pairs whose snapshot or environment is gone."""
        try:
            file = _File.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return Catalogue()
        except (OSError, ValidationError) as error:
            log.warning(
                "catalogue not used",
                reason=f"{self._path} cannot be read: {type(error).__name__}",
                advice="nothing to do: it is made anew from the source",
            )
            return Catalogue()
        if file.source != self._source:
            return Catalogue()
        return catalogue_of(
            file.commit, [_offer(row, snapshot, environment) for row in file.offers]
        )


def _row(offer: Offer) -> _Offer:
    return _Offer(
        name=offer.name,
        judged_at=offer.judged_at,
        good=_good_row(offer.good) if offer.good else None,
        problem=_Note(**offer.problem.as_json()) if offer.problem else None,
        retry=offer.retry,
    )


def _good_row(good: Good) -> _Good:
    return _Good(
        commit=good.prepared.commit,
        environment=good.prepared.environment.key,
        tree=good.tree,
        tasks=tuple(dict(task) for task in good.tasks),
        source=dict(good.prepared.source),
        hosts=good.prepared.hosts,
        tier=good.tier,
    )


def _offer(row: _Offer, snapshot: FindSnapshot, environment: FindEnvironment) -> Offer:
    good = _good(row.name, row.good, snapshot, environment) if row.good else None
    problem = Note(row.problem.reason, row.problem.advice) if row.problem else None
    return Offer(row.name, row.judged_at, good, problem, row.retry)


def _good(
    name: str, row: _Good, snapshot: FindSnapshot, environment: FindEnvironment
) -> Good | None:
    folder, built = snapshot(row.commit), environment(row.environment)
    if folder is None or built is None:
        return None
    prepared = Prepared(name, row.commit, folder, built, row.source, row.hosts)
    return Good(prepared, row.tree, row.tasks, row.tier)
