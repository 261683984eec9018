"""Running one integration from the files of a checkout as they are now, with no API."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from cli.exits import Exit
from cli.local_executor import open_session
from cli.reading.manifest_file import before_a_push
from cli.recordings import Recording
from utils.config_schema import secret_pointers, validate_config
from utils.errors import ManifestError, TruelineError
from utils.exchange_faults import Fault
from utils.exchange_file import Exchange
from utils.exchange_play import RECORD, REPLAY
from utils.manifest import MANIFEST, Entry, read_manifest
from utils.secret_places import SortedSecrets, sorted_secrets
from utils.settings import Settings
from utils.suggest import did_you_mean
from utils.tree import INTEGRATIONS
from worker.environments import Environment, Environments
from worker.execution import JobEnd, JobOrder, Prepared, ProcessExecutor, StopSignal, WarmLimits
from worker.large_files import Attempt, LargeFiles
from worker.requirements import read_requirements
from worker.secret_references import SecretReferences
from worker.warm import NONE_WARM

LARGE = "local-data"
WORKING_TREE = "working tree"


class CannotRun(TruelineError):  # noqa: N818 - reads as the state it reports
    """What was asked for cannot be run from this checkout."""

    exit_code = Exit.USAGE


@dataclass(frozen=True)
class Outcome:
    """How a local run ended, and each task's result."""

    end: JobEnd
    results: list[dict[str, Any]] = field(default_factory=list)
    network: Mapping[str, Any] | None = None
    reads: Mapping[str, Sequence[str]] = field(default_factory=dict)  # where exchanges are played
    recorded: int = 0

    def violations(self) -> list[dict[str, Any]]:
        """Return what the failed insights found, one row a resource, in the API's words."""
        return [row for result in self.results for row in _violations_of(result)]


def find_checkout(cwd: Path) -> Path:
    """Return the nearest folder at or above `cwd` that holds a manifest."""
    for folder in (cwd, *cwd.parents):
        if (folder / MANIFEST).is_file():
            return folder
    raise CannotRun(
        f"there is no {MANIFEST} in {cwd} or above it", "run this in a checkout of integrations"
    )


def read_entry(checkout: Path, name: str) -> Entry:
    """Return the manifest's entry of one integration; its state `enabled` does not matter here."""
    home = checkout / INTEGRATIONS
    folders = {path.name for path in home.iterdir() if path.is_dir()} if home.is_dir() else set()
    try:
        manifest = read_manifest((checkout / MANIFEST).read_bytes(), folders)
    except ManifestError as error:
        raise CannotRun(error.reason, before_a_push(error.advice)) from error
    for entry in manifest.entries:
        if entry.name == name:
            return entry
    for rejected in manifest.rejected:
        if rejected.name == name:
            raise CannotRun(rejected.reason, before_a_push(rejected.advice))
    names = [entry.name for entry in manifest.entries]
    raise CannotRun(
        f"{MANIFEST} has no integration {name!r}{did_you_mean(name, names)}",
        f"it has {', '.join(names) or 'none'}",
    )


def check_config(entry: Entry, config: Mapping[str, Any]) -> None:
    """Raise CannotRun when the entry's schema does not accept the config."""
    found = _sorted(entry, config)
    errors = [*found.faults, *validate_config(entry.schema, found.config, found.references)]
    if errors:
        told = "; ".join(f"{pointer or '/'}: {message}" for pointer, message in errors)
        raise CannotRun(
            f"the config does not fit the schema of {entry.name!r}: {told}",
            "correct --config or --set, or the schema in integrations.json",
        )


@dataclass(frozen=True)
class Spoil:
    """Which of the replayed exchanges is spoiled, by what fault, and how often; None: always."""

    index: int
    fault: Fault
    times: int | None = None


@dataclass(frozen=True)
class Wish:
    """What a run is asked for beside an integration and its config."""

    only: tuple[str, ...] | None = None  # these tasks and what they need; None: every task
    record: Path | None = None
    record_as: str | None = None  # where servers of loopback are said to be
    replay: tuple[Exchange, ...] | None = None
    spoil: Spoil | None = None
    debug: bool = False  # keep DEBUG lines, whatever the settings say

    def exchanges(self) -> dict[str, Any] | None:
        """Return what the child is told of exchanges."""
        if self.replay is not None:
            entries = [one.as_json() for one in self.replay]
            spoil = asdict(self.spoil) if self.spoil else None
            return {"mode": REPLAY, "entries": entries, "spoil": spoil}
        return {"mode": RECORD} if self.record else None


ALL_TASKS = Wish()
ONE_WARM = WarmLimits(processes=1, memory_bytes=2 * 1024**3)


@dataclass(frozen=True)
class LocalWorker:
    """Runs jobs in real environments; `on_event` hears each event as it comes."""

    settings: Settings
    environ: Mapping[str, str]
    on_event: Callable[[dict[str, Any]], None]

    def run(
        self, checkout: Path, entry: Entry, config: Mapping[str, Any], wish: Wish = ALL_TASKS
    ) -> Outcome:
        """Run an integration from its files in the checkout."""
        with self.open(alone=wish.replay is not None) as here:
            prepared = here.prepare(checkout, entry)
            return here.run(prepared, entry, config, wish)

    @contextmanager
    def open(
        self, warm: WarmLimits = NONE_WARM, *, alone: bool = False
    ) -> Iterator["LocalSession"]:
        """Yield what runs as many jobs as are asked for.

        With `alone` they have no network but a loopback of their own, where a sandbox can do that.
        """
        with open_session(self.settings, self.environ, warm, alone=alone) as (executor, builds):
            yield LocalSession(self, executor, builds)


class LocalSession:
    """An open executor; see `LocalWorker.open`. Any thread may run jobs."""

    def __init__(
        self, worker: LocalWorker, executor: ProcessExecutor, environments: Environments
    ) -> None:
        self.executor = executor
        self._worker = worker
        self._environments = environments
        self._large = LargeFiles(worker.settings.data_dir / LARGE)
        self._large.sweep(())  # what the run before left

    def prepare(
        self, checkout: Path, entry: Entry, preload: tuple[str, ...] | None = None
    ) -> Prepared:
        """Return what runs, its environment built if it is not there."""
        requirements = read_requirements(
            checkout / INTEGRATIONS / entry.name / "requirements.txt", entry.name
        )
        return self.prepare_with(checkout, entry, requirements, preload)

    def prepare_with(
        self,
        checkout: Path,
        entry: Entry,
        requirements: Iterable[str],
        preload: tuple[str, ...] | None = None,
    ) -> Prepared:
        """Do so with other requirements than the integration's own."""
        settings = self._worker.settings
        source = {"url": settings.source_url, "ref": settings.source_ref}
        environment = self._environment(tuple(requirements), entry.name)
        return Prepared(
            entry.name, WORKING_TREE, checkout, environment, source, entry.hosts, preload
        )

    def run(
        self, prepared: Prepared, entry: Entry, config: Mapping[str, Any], wish: Wish = ALL_TASKS
    ) -> Outcome:
        """Run one job to its end."""
        order = _order(self._worker, entry, config, wish)
        recording = Recording(wish.record, wish.record_as) if wish.record else None
        outcome = _Outcome(order, self._large, recording)

        def take(event: dict[str, Any]) -> None:
            outcome.take(event)
            self._worker.on_event(event)

        with prepared.environment.in_use():
            end = self.executor.run(order, prepared, take, StopSignal())
        return outcome.ended(end)

    def _environment(self, requirements: tuple[str, ...], name: str) -> Environment:
        source_builds = name in self._worker.settings.source_builds_allowed
        key = self._environments.key(requirements, source_builds=source_builds)
        environment = self._environments.existing(key)
        if environment is None:
            tell = self._worker.on_event
            tell({"type": "environment", "state": "building"})
            build = self._environments.build
            environment = build(name, requirements, source_builds=source_builds)
            seconds = environment.seconds
            tell({"type": "environment", "state": "ready", "seconds": seconds})
        return environment


class _Outcome:
    """Gathers what a job reports."""

    def __init__(self, order: JobOrder, large: LargeFiles, recording: Recording | None) -> None:
        self._order = order
        self._large = large
        self._recording = recording
        self._results: list[dict[str, Any]] = []
        self._reads: dict[str, list[str]] = {}
        self._network: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "task_finished":
                self._results.append(_result_of(event, self._order, self._large))
            case "network":
                self._network.update(event)
            case "reads":
                self._reads[event["task"]] = event["reads"]
            case "exchange" if self._recording:
                self._recording.take(event)

    def ended(self, end: JobEnd) -> Outcome:
        written = 0
        if self._recording:
            self._recording.finish()
            written = len(self._recording.written)
        return Outcome(end, self._results, self._network or None, self._reads, written)


def _order(worker: LocalWorker, entry: Entry, config: Mapping[str, Any], wish: Wish) -> JobOrder:
    found = _sorted(entry, config)
    references = SecretReferences.of(worker.settings, worker.environ)
    return JobOrder(
        job_id=str(uuid4()),
        attempt=1,
        integration=entry.name,
        config=references.resolve(entry.name, found.config, found.references, StopSignal()),
        secrets=(*found.secrets, *found.references),
        only=wish.only,
        with_needed=True,
        exchanges=wish.exchanges(),
        debug=wish.debug or worker.settings.keeps_debug_lines(entry.name),
    )


def _sorted(entry: Entry, config: Mapping[str, Any]) -> SortedSecrets:
    return sorted_secrets(dict(config), secret_pointers(entry.schema, config))


def _result_of(event: Mapping[str, Any], order: JobOrder, large: LargeFiles) -> dict[str, Any]:
    """Return a task's result; large data with the file that holds it, compressed."""
    result: dict[str, Any] = event["result"]
    if data := result.get("large_data"):
        data["file"] = str(large.path(Attempt(order.job_id, order.attempt), data["sha256"]))
    return {"large_data": None} | result


def _violations_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    if result["verdict"] != "fail":
        return []
    whole = {"id": "", "message": result["message"], "severity": None}
    return [
        {
            "severity": resource.get("severity") or result["severity"],
            "deployment_name": "(local)",
            "task": result["name"],
            "resource_id": resource["id"],
            "message": resource.get("message") or result["message"],
            "status": "open",
        }
        for resource in result["resources"] or [whole]
    ]
