"""Running one integration from the files of a checkout as they are now, with no API."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from cli.exits import Exit
from utils.config_schema import secret_pointers, validate_config
from utils.errors import ManifestError, TruelineError
from utils.files import make_data_directory
from utils.manifest import MANIFEST, Entry, read_manifest
from utils.secret_places import SortedSecrets, sorted_secrets
from utils.settings import Settings
from utils.suggest import did_you_mean
from utils.tree import INTEGRATIONS
from worker.environments import Environment, Environments
from worker.execution import JobEnd, JobOrder, Prepared, ProcessExecutor, StopSignal
from worker.isolation import Choice, choose_isolation
from worker.large_files import Attempt, LargeFiles
from worker.launcher import Launcher
from worker.loopback import shut_loopback
from worker.parts import open_environments
from worker.requirements import read_requirements
from worker.secret_references import SecretReferences

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
        raise CannotRun(error.reason, error.advice) from error
    for entry in manifest.entries:
        if entry.name == name:
            return entry
    for rejected in manifest.rejected:
        if rejected.name == name:
            raise CannotRun(rejected.reason, rejected.advice)
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
class LocalWorker:
    """Runs jobs in real environments; `on_event` hears each event as it comes."""

    settings: Settings
    environ: Mapping[str, str]
    on_event: Callable[[dict[str, Any]], None]

    def run(self, checkout: Path, entry: Entry, config: Mapping[str, Any]) -> Outcome:
        """Run an integration from its files in the checkout."""
        results: list[dict[str, Any]] = []
        network: dict[str, Any] = {}
        order = self._order(entry, config)
        large = LargeFiles(self.settings.data_dir / "local-data")
        large.sweep(())  # what the run before left

        def take(event: dict[str, Any]) -> None:
            if event["type"] == "task_finished":
                results.append(_result_of(event, order, large))
            if event["type"] == "network":
                network.update(event)
            self.on_event(event)

        isolation = shut_loopback(choose_isolation(self.settings.isolation), self.settings)
        make_data_directory(self.settings.data_dir)
        with Launcher.start() as launcher:
            prepared = self._prepared(checkout, entry, isolation)
            work_dir = self.settings.data_dir / "local"
            host = isolation.host(launcher, self.settings, self.environ)
            executor = ProcessExecutor(host, work_dir, large=large)
            with closing(executor), prepared.environment.in_use():
                end = executor.run(order, prepared, take, StopSignal())
        return Outcome(end, results, network or None)

    def _order(self, entry: Entry, config: Mapping[str, Any]) -> JobOrder:
        found = _sorted(entry, config)
        references = SecretReferences.of(self.settings, self.environ)
        return JobOrder(
            job_id=str(uuid4()),
            attempt=1,
            integration=entry.name,
            config=references.resolve(entry.name, found.config, found.references, StopSignal()),
            secrets=(*found.secrets, *found.references),
        )

    def _prepared(self, checkout: Path, entry: Entry, isolation: Choice) -> Prepared:
        name = entry.name
        source = {"url": self.settings.source_url, "ref": self.settings.source_ref}
        sandbox = isolation.build_sandbox(self.settings, self.environ)
        environments = open_environments(self.settings, self.environ, sandbox)
        environment = self._environment(environments, checkout / INTEGRATIONS / name, name)
        return Prepared(name, WORKING_TREE, checkout, environment, source, entry.hosts)

    def _environment(self, environments: Environments, folder: Path, name: str) -> Environment:
        requirements = read_requirements(folder / "requirements.txt", name)
        source_builds = name in self.settings.source_builds_allowed
        key = environments.key(requirements, source_builds=source_builds)
        environment = environments.existing(key)
        if environment is None:
            self.on_event({"type": "environment", "state": "building"})
            environment = environments.build(name, requirements, source_builds=source_builds)
            seconds = environment.seconds
            self.on_event({"type": "environment", "state": "ready", "seconds": seconds})
        return environment


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
