"""What this worker can run: of each integration the last good pair, or why there is none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from utils.notes import Note
from utils.suggest import did_you_mean
from worker.errors import WorkerError
from worker.job_order import Prepared

TaskSpec = Mapping[str, Any]


class NotRunnable(WorkerError):  # noqa: N818 - reads as the state it reports
    """There is nothing that a job of this integration could run."""


@dataclass(frozen=True)
class Good:
    """A commit and an environment that work together; `tree` is the id of the folder's content.

    `tier` is what its quality.json says, where that is of this content.
    """

    prepared: Prepared
    tree: str
    tasks: tuple[TaskSpec, ...]
    tier: str | None = None


@dataclass(frozen=True)
class Offer:
    """One integration as the commit `judged_at` left it; broken ones may offer an older pair."""

    name: str
    judged_at: str
    good: Good | None = None
    problem: Note | None = None
    retry: bool = False  # the problem may go away without a new commit

    @property
    def is_ready(self) -> bool:
        """Whether the newest commit of it works."""
        return self.good is not None and self.problem is None


@dataclass(frozen=True)
class Catalogue:
    """All integrations that a commit of the source enables; never changed, only replaced."""

    commit: str | None = None
    offers: Mapping[str, Offer] = field(default_factory=lambda: MappingProxyType({}))

    def pair(self, name: str) -> Prepared:
        """Return what a job of this integration runs; raises NotRunnable with the reason."""
        offer = self.offers.get(name)
        if offer is None:
            raise NotRunnable(
                f"integration {name!r} is not enabled in the source at commit"
                f" {(self.commit or 'none')[:12]}{did_you_mean(name, self.offers)}",
                "enable it in integrations.json, push, and POST /init-integrations",
            )
        if offer.good is None:
            problem = offer.problem or Note("it was not prepared yet", "run the job again")
            raise NotRunnable(f"integration {name!r} is broken: {problem.reason}", problem.advice)
        return offer.good.prepared

    def with_offer(self, offer: Offer) -> "Catalogue":
        """Return a catalogue in which one integration is as given."""
        return Catalogue(self.commit, MappingProxyType({**self.offers, offer.name: offer}))

    @property
    def prepared(self) -> tuple[Prepared, ...]:
        """Everything that a job could be given to run."""
        return tuple(offer.good.prepared for offer in self.offers.values() if offer.good)

    @property
    def wants_retry(self) -> bool:
        """Whether looking again could help although the commit is the same."""
        return any(offer.retry for offer in self.offers.values())


def catalogue_of(commit: str, offers: Iterable[Offer]) -> Catalogue:
    """Return the catalogue of a commit whose integrations were all judged."""
    return Catalogue(commit, MappingProxyType({offer.name: offer for offer in offers}))
