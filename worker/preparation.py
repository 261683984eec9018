"""Makes one integration of one commit ready to run, or says why it is broken."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from utils.errors import TruelineError
from utils.manifest import Rejected
from utils.notes import Note
from utils.quality import quality_of
from utils.snapshot import Snapshot
from worker.build_failure import BuildCause, BuildFailed
from worker.catalogue import Good, Offer
from worker.environment import Environment
from worker.environments import Environments
from worker.errors import WorkerError
from worker.execution import Executor
from worker.job_order import Prepared
from worker.requirements import read_requirements

DESCRIBE_ADVICE = "correct the integration and push; the next sync looks at it again"

log = structlog.get_logger()


class CannotLoad(WorkerError):  # noqa: N818 - reads as the state it reports
    """The integration's files do not load; `log_tail` is its traceback, or what it printed."""

    def __init__(self, broken: Mapping[str, Any]) -> None:
        advice = str(broken.get("advice") or DESCRIBE_ADVICE)
        super().__init__(str(broken["reason"]), advice)
        self.log_tail = str(broken.get("traceback") or "")


@dataclass(frozen=True)
class Candidate:
    """An integration as one commit has it; `tree` is the id of its folder's content."""

    name: str
    tree: str
    snapshot: Snapshot
    source: Mapping[str, str]
    hosts: tuple[str, ...] | None = None

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.snapshot.path / "integrations" / self.name


class Preparation:
    """Judges candidates, several at a time; what did not change is not done again."""

    def __init__(
        self,
        environments: Environments,
        executor: Executor,
        source_builds: Collection[str],
        count_build: Callable[[str, float], object] = lambda *_: None,
    ) -> None:
        self._environments = environments
        self._executor = executor
        self._source_builds = source_builds
        self._count_build = count_build  # hears `built` or `failed`, and the seconds that took

    def judge(self, candidate: Candidate, before: Offer | None) -> Offer:
        """Return what this worker offers of the candidate; a broken one keeps its last good."""
        commit = candidate.snapshot.commit
        known = before.good if before else None
        try:
            good = self._prepare(candidate, known)
        except TruelineError as error:
            problem = Note.of(error)
            retry = isinstance(error, BuildFailed) and error.cause != BuildCause.BAD_REQUIREMENT
            said = error.log_tail if isinstance(error, BuildFailed | CannotLoad) else ""
            what = "environment" if retry else "integration"
            _say_broken(candidate.name, problem, what, said)
            return Offer(candidate.name, commit, known, problem, retry)
        log.info("integration ready", integration=candidate.name, tasks=len(good.tasks))
        return Offer(candidate.name, commit, good)

    def _prepare(self, candidate: Candidate, known: Good | None) -> Good:
        environment = self._environment(candidate)
        prepared = Prepared(
            integration=candidate.name,
            commit=candidate.snapshot.commit,
            snapshot=candidate.snapshot.path,
            environment=environment,
            source=candidate.source,
            hosts=candidate.hosts,
        )
        unchanged = known and (known.prepared.environment.key, known.tree)
        if known and unchanged == (environment.key, candidate.tree):
            return Good(prepared, candidate.tree, known.tasks, known.tier)
        with environment.in_use():
            description = self._executor.describe(prepared)
        if description.broken:
            raise CannotLoad(description.broken)
        quality = quality_of(candidate.folder)
        tier = quality.shown_tier if quality else None
        return Good(prepared, candidate.tree, tuple(description.tasks), tier)

    def _environment(self, candidate: Candidate) -> Environment:
        name = candidate.name
        requirements = read_requirements(candidate.folder / "requirements.txt", name)
        source_builds = name in self._source_builds
        key = self._environments.key(requirements, source_builds=source_builds)
        environment = self._environments.existing(key)
        if environment is None:
            log.info("environment build started", integration=name)
            environment = self._build(name, requirements, source_builds=source_builds)
        log.info(
            "environment ready",
            integration=name,
            key=environment.key,
            seconds=environment.seconds,
        )
        return environment

    def _build(self, name: str, requirements: Iterable[str], *, source_builds: bool) -> Environment:
        began, result = time.monotonic(), "failed"
        try:
            made = self._environments.build(name, requirements, source_builds=source_builds)
            result = "built"
            return made
        finally:
            self._count_build(result, time.monotonic() - began)


def broken_offer(rejected: Rejected, commit: str, before: Offer | None) -> Offer:
    """Return the offer of an integration that the manifest rules out."""
    problem = Note(rejected.reason, rejected.advice)
    _say_broken(rejected.name, problem, "integration")
    return Offer(rejected.name, commit, before.good if before else None, problem)


def _say_broken(name: str, problem: Note, what: str, said: str = "") -> None:
    more = {"output": said} if said else {}
    event = f"{what} broken"
    log.warning(event, integration=name, reason=problem.reason, advice=problem.advice, **more)
