"""Brings the catalogue in line with the source: one look, and work only where something changed."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from utils.errors import TruelineError
from utils.manifest import Manifest, manifest_at
from utils.mirror import Mirror
from utils.notes import Note
from utils.snapshot import Snapshot, Snapshots
from utils.source import Source
from utils.steps import Step, silent_step
from worker.catalogue import Offer, catalogue_of
from worker.catalogue_file import CatalogueFile
from worker.current_catalogue import CurrentCatalogue
from worker.preparation import Candidate, Preparation, broken_offer

log = structlog.get_logger()


@dataclass(frozen=True)
class SourceState:
    """How the source was found; with a problem, what was taken before goes on serving."""

    problem: Note | None = None

    @property
    def name(self) -> str:
        """The state as the API has it."""
        return "degraded" if self.problem else "ok"


class Sync:
    """Runs in one thread at a time; what it finds stands in the current catalogue."""

    def __init__(
        self,
        snapshots: Snapshots,
        preparation: Preparation,
        current: CurrentCatalogue,
        file: CatalogueFile,
        parallel: int,
    ) -> None:
        self._mirror: Mirror = snapshots.mirror
        self._snapshots = snapshots
        self._preparation = preparation
        self._current = current
        self._file = file
        self._parallel = parallel
        self._judged_once = False  # by this process: its SDK may differ from the last one's
        self.state = SourceState()

    @property
    def source(self) -> Source:
        """What it looks at."""
        return self._mirror.source

    def run(self, step: Step = silent_step) -> bool:
        """Look at the source once; True when there is something new to tell."""
        before = self.state
        try:
            changed = self._take(self._mirror.head_commit(), step)
            self.state = SourceState()
        except TruelineError as error:
            changed = False
            self.state = SourceState(Note.of(error))
        except OSError as error:
            changed = False
            reason = f"the data directory cannot be written: {error.strerror}"
            self.state = SourceState(Note(reason, "free some room on its disk"))
        if self.state != before:
            self._say_state()
        return changed or self.state != before

    def _take(self, commit: str, step: Step) -> bool:
        catalogue = self._current.get()
        if self._judged_once and commit == catalogue.commit and not catalogue.wants_retry:
            return False
        with step("source"):
            tree = self._mirror.tree(commit)
            snapshot = self._snapshots.take(commit, tree)
        with step("manifest"):
            manifest = manifest_at(self._mirror, commit, tree)
        if commit != catalogue.commit or not self._judged_once:
            log.info("commit taken", commit=commit, source=self._mirror.source.shown)
        with step("environments"):
            offers = self._judge_all(snapshot, manifest, tree.integrations)
        self._current.replace(catalogue_of(commit, offers))
        self._file.write(self._current.get())
        self._judged_once = True
        return self._current.get() != catalogue

    def _judge_all(
        self, snapshot: Snapshot, manifest: Manifest, folders: Mapping[str, str]
    ) -> list[Offer]:
        before = self._current.get().offers
        settled = {
            name: offer
            for name, offer in before.items()
            if self._is_settled(offer, snapshot.commit)
        }
        offers = {
            rejected.name: settled.get(rejected.name)
            or broken_offer(rejected, snapshot.commit, before.get(rejected.name))
            for rejected in manifest.rejected
        }
        source = {"url": self._mirror.source.shown, "ref": self._mirror.source.ref}
        candidates = [
            Candidate(entry.name, folders[entry.name], snapshot, source, entry.hosts)
            for entry in manifest.entries
            if entry.enabled
        ]
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="prepare") as pool:
            judged = pool.map(
                lambda one: settled.get(one.name) or self._judge(one, before.get(one.name)),
                candidates,
            )
            offers.update((offer.name, offer) for offer in judged)
        return list(offers.values())

    def _is_settled(self, offer: Offer, commit: str) -> bool:
        """Whether this process has judged it at this commit, and to look again would not help."""
        return self._judged_once and offer.judged_at == commit and not offer.retry

    def _judge(self, candidate: Candidate, before: Offer | None) -> Offer:
        """Judge one, and let jobs have it while others are still being built."""
        offer = self._preparation.judge(candidate, before)
        self._current.offer(offer)
        return offer

    def _say_state(self) -> None:
        if self.state.problem is None:
            log.info("source back", source=self._mirror.source.shown)
            return
        log.warning(
            "source degraded",
            source=self._mirror.source.shown,
            reason=self.state.problem.reason,
            advice=self.state.problem.advice,
            serving=self._current.get().commit,
        )
