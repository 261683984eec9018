"""The whole of `trueline check`: every check over every integration, in one order."""

from collections.abc import Callable, Iterator, Sequence

from cli.check.call_checks import call_findings
from cli.check.finding import Finding
from cli.check.folder_checks import folder_findings
from cli.check.freshness_checks import freshness_findings
from cli.check.import_checks import import_findings
from cli.check.manifest_checks import manifest_findings
from cli.check.requirement_checks import requirement_findings
from cli.check.result_checks import result_findings
from cli.check.secret_checks import secret_findings
from cli.check.subject import Subject
from cli.check.task_checks import task_findings
from cli.reading.integration_folder import read_folder
from cli.reading.repository import Repository
from utils.tree import INTEGRATIONS

CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    folder_findings,
    task_findings,
    result_findings,
    requirement_findings,
    import_findings,
    call_findings,
    secret_findings,
    freshness_findings,
)


def check_repository(repository: Repository) -> list[Finding]:
    """Return everything that is wrong with a repository, in the order of its files."""
    found = list(manifest_findings(repository))
    for name in repository.folder_names:
        found += _folder_findings(repository, name)
    return sorted(dict.fromkeys(found), key=lambda finding: finding.position)


def check_integration(repository: Repository, name: str) -> list[Finding]:
    """Return what is wrong with one integration: its folder, and its entry in the manifest."""
    entry = repository.entry(name)
    here = [
        finding
        for finding in manifest_findings(repository)
        if entry and entry.line <= finding.line <= entry.line + entry.text.count("\n")
    ]
    folder = _folder_findings(repository, name) if name in repository.folder_names else []
    return sorted(dict.fromkeys([*here, *folder]), key=lambda finding: finding.position)


def findings_below(findings: Sequence[Finding], path: str) -> list[Finding]:
    """Return the findings in a file or below a folder of the repository."""
    return [it for it in findings if it.path == path or it.path.startswith(f"{path}/")]


def _folder_findings(repository: Repository, name: str) -> Iterator[Finding]:
    folder = read_folder(repository.root, name)
    subject = Subject(repository, folder, repository.entry(name))
    files = {file.path: file for file in folder.files}
    for check in CHECKS:
        for finding in check(subject):
            file = files.get(finding.path)
            if file is None or not file.ignores(finding.line, finding.rule.id):
                yield finding


def integration_of(finding: Finding) -> str:
    """Return the integration in whose folder a finding is, or ''."""
    parts = finding.path.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == INTEGRATIONS else ""
