"""What integrations a checkout holds, and in which state each is, by reading alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cli.check.checking import check_repository, integration_of
from cli.check.finding import Finding, Level
from cli.reading.integration_folder import read_folder
from cli.reading.manifest_file import PlacedEntry
from cli.reading.repository import Repository
from utils.manifest import MANIFEST
from utils.quality import quality_of
from utils.tasks import TaskSpec


class State(StrEnum):
    """How an integration of a checkout stands."""

    ENABLED = "enabled"  # would be registered
    DISABLED = "disabled"  # its entry says so
    BROKEN = "broken"  # a check finds an error
    UNLISTED = "unlisted"  # it has a folder and no entry


@dataclass(frozen=True)
class Listed:
    """One integration of a checkout."""

    name: str
    title: str
    tier: str | None
    state: State
    errors: int
    warnings: int
    tasks: tuple[TaskSpec, ...]

    def count(self, kind: str) -> int:
        """Return how many tasks of a type it has."""
        return sum(task.type == kind for task in self.tasks)

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "name": self.name,
            "title": self.title,
            "tier": self.tier,
            "state": self.state.value,
            "errors": self.errors,
            "warnings": self.warnings,
            "tasks": [
                {"name": task.name, "type": task.type.value, "title": task.title}
                for task in self.tasks
            ],
        }


def integrations_of(repository: Repository) -> Iterator[Listed]:
    """Return what stands in the manifest, in its order, then the folders that it does not list.

    Raises BadManifest.
    """
    repository.require_manifest()
    findings = check_repository(repository)
    names = [entry.name for entry in repository.entries if entry.name]
    unlisted = [name for name in repository.folder_names if name not in names]
    for name in dict.fromkeys([*names, *unlisted]):
        entry = repository.entry(name)
        yield _listed(repository, name, entry, list(_findings_of(name, entry, findings)))


def _listed(
    repository: Repository, name: str, entry: PlacedEntry | None, findings: Sequence[Finding]
) -> Listed:
    has_folder = name in repository.folder_names
    folder = read_folder(repository.root, name) if has_folder else None
    specs = [task.spec for task in folder.tasks if task.spec] if folder else []
    quality = quality_of(folder.path) if folder else None
    errors = sum(finding.rule.level is Level.ERROR for finding in findings)
    value: Mapping[str, Any] = entry.value if entry else {}
    return Listed(
        name=name,
        title=str(value.get("title", "")),
        tier=quality.shown_tier if quality else None,
        state=_state(value, is_listed=entry is not None, is_broken=errors > 0),
        errors=errors,
        warnings=len(findings) - errors,
        tasks=tuple(sorted(specs, key=lambda spec: spec.position)),
    )


def _state(entry: Mapping[str, Any], *, is_listed: bool, is_broken: bool) -> State:
    if is_broken:
        return State.BROKEN
    if not is_listed:
        return State.UNLISTED
    return State.ENABLED if entry.get("enabled", True) else State.DISABLED


def _findings_of(
    name: str, entry: PlacedEntry | None, findings: Iterable[Finding]
) -> Iterator[Finding]:
    last = entry.line + entry.text.count("\n") if entry else 0
    for finding in findings:
        in_entry = entry is not None and entry.line <= finding.line <= last
        if integration_of(finding) == name or (finding.path == MANIFEST and in_entry):
            yield finding
