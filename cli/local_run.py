"""Running one integration from the files of a checkout as they are now, with no API."""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import utils
from cli.exits import Exit
from utils.config_schema import secret_pointers, validate_config
from utils.errors import ManifestError, TruelineError
from utils.files import make_data_directory
from utils.manifest import Entry, read_manifest
from utils.settings import Settings
from utils.suggest import did_you_mean
from worker.environments import BuildOptions, Environment, Environments
from worker.execution import JobEnd, JobOrder, Prepared, ProcessExecutor, StopSignal
from worker.isolation import Choice, choose_isolation
from worker.launcher import Launcher
from worker.requirements import read_base_requirements, read_requirements

MANIFEST = "integrations.json"
WORKING_TREE = "working tree"


class CannotRun(TruelineError):  # noqa: N818 - reads as the state it reports
    """What was asked for cannot be run from this checkout."""

    exit_code = Exit.USAGE


@dataclass(frozen=True)
class Outcome:
    """How a local run ended, and each task's result."""

    end: JobEnd
    results: list[dict[str, Any]] = field(default_factory=list)

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
    home = checkout / "integrations"
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
    errors = validate_config(entry.schema, config)
    if errors:
        told = "; ".join(f"{pointer or '/'}: {message}" for pointer, message in errors)
        raise CannotRun(
            f"the config does not fit the schema of {entry.name!r}: {told}",
            "correct --config or --set, or the schema in integrations.json",
        )


def run_locally(
    settings: Settings,
    checkout: Path,
    entry: Entry,
    config: Mapping[str, Any],
    on_event: Callable[[dict[str, Any]], None],
) -> Outcome:
    """Run an integration in its real environment; `on_event` hears each event as it comes."""
    outcome: list[dict[str, Any]] = []

    def take(event: dict[str, Any]) -> None:
        if event["type"] == "task_finished":
            outcome.append(event["result"])
        on_event(event)

    isolation = choose_isolation(settings.isolation)
    make_data_directory(settings.data_dir)
    launcher = Launcher.start()
    with closing(launcher):
        environment = _environment((settings, isolation), checkout, entry.name, on_event)
        source = {"url": settings.source_url, "ref": settings.source_ref, "commit": ""}
        prepared = Prepared(entry.name, WORKING_TREE, checkout, environment, source)
        order = JobOrder(
            job_id=str(uuid4()),
            attempt=1,
            integration=entry.name,
            config=config,
            secrets=secret_pointers(entry.schema, config),
        )
        work_dir = settings.data_dir / "local"
        executor = ProcessExecutor(isolation.host(launcher, settings, os.environ), work_dir)
        with closing(executor), environment.in_use():
            end = executor.run(order, prepared, take, StopSignal())
    return Outcome(end, outcome)


def _environment(
    given: tuple[Settings, Choice],
    checkout: Path,
    name: str,
    on_event: Callable[[dict[str, Any]], None],
) -> Environment:
    settings, isolation = given
    environments = Environments(
        settings.data_dir / "environments",
        read_base_requirements(),
        Path(utils.__file__).parent,
        BuildOptions(
            environ=os.environ,
            timeout_seconds=settings.build_timeout_seconds,
            sandbox=isolation.build_sandbox(settings, os.environ),
        ),
    )
    requirements = read_requirements(checkout / "integrations" / name / "requirements.txt", name)
    source_builds = name in settings.source_builds_allowed
    key = environments.key(requirements, source_builds=source_builds)
    environment = environments.existing(key)
    if environment is None:
        on_event({"type": "environment", "state": "building"})
        environment = environments.build(name, requirements, source_builds=source_builds)
        on_event({"type": "environment", "state": "ready", "seconds": environment.seconds})
    return environment


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
