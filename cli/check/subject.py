"""What a check looks at: one integration in its repository."""

from dataclasses import dataclass

from cli.check.finding import Finding, Rule
from cli.reading.integration_folder import IntegrationFolder
from cli.reading.manifest_file import PlacedEntry
from cli.reading.repository import Repository
from cli.reading.source_file import SourceFile


@dataclass(frozen=True)
class Subject:
    """An integration's folder, with its entry where the manifest has one."""

    repository: Repository
    folder: IntegrationFolder
    entry: PlacedEntry | None


def found(rule: Rule, file: SourceFile, line: int, what: str, fix: str) -> Finding:
    """Return a finding in a file."""
    return Finding(rule, file.path, line, what, fix)
