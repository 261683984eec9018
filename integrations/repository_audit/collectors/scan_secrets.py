"""Looks for secrets in every text file of the audited commit."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from detect_secrets.filters import heuristic

from integrations.repository_audit.clone import Clone
from integrations.repository_audit.detectors import make_detectors
from integrations.repository_audit.resources import counted
from integrations.repository_audit.secret_finding import Finding
from integrations.repository_audit.secret_scan import scan_contents
from integrations.repository_audit.tree import Entry, Kind, read_contents, read_tree
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

LARGEST_BYTES = 16 * 1024 * 1024
BUDGET_BYTES = 1024 * 1024 * 1024
MOST_FINDINGS = 2000
SNIFFED_BYTES = 8000


@task(
    name="scan_secrets",
    title="Scan for secrets",
    description="Runs detect-secrets over text files; keeps places and hashes, never a secret",
    type="collector",
)
def scan_secrets(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Scan text files, except lock files, whose hashes are public."""
    chosen, left_out = chosen_files(read_tree(ctx.base("clone")))
    for path in left_out[:10]:
        ctx.mark_partial(f"{path} is too large to be scanned")
    if left_out:
        ctx.add_log(f"{len(left_out):,} files were too large to be scanned")
    findings, scanned = scan_files(ctx.base("clone"), chosen)
    if len(findings) > MOST_FINDINGS:
        ctx.mark_partial(f"{len(findings):,} findings, of which {MOST_FINDINGS:,} are kept")
    return {
        "data": {
            "scanned_files": scanned,
            "findings": [asdict(finding) for finding in findings[:MOST_FINDINGS]],
        },
        "message": f"{counted(scanned, 'text file')} scanned, {counted(len(findings), 'finding')}",
    }


def chosen_files(tree: Iterable[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the files to scan, and the paths of those that are too large for it."""
    chosen: list[Entry] = []
    left_out: list[str] = []
    budget_bytes = BUDGET_BYTES
    for entry in tree:
        if entry.kind is not Kind.FILE or entry.looks_binary or _is_generated(entry.path):
            continue
        if entry.size_bytes > min(LARGEST_BYTES, budget_bytes):
            left_out.append(entry.path)
            continue
        budget_bytes -= entry.size_bytes
        chosen.append(entry)
    return chosen, left_out


def scan_files(clone: Clone, chosen: Iterable[Entry]) -> tuple[list[Finding], int]:
    """Scan files; return the findings and the number of files that hold text."""
    detectors = make_detectors()
    findings: list[Finding] = []
    scanned = 0
    for path, contents in _texts(clone, chosen):
        scanned += 1
        findings.extend(scan_contents(path, contents, detectors))
    return findings, scanned


def _texts(clone: Clone, entries: Iterable[Entry]) -> Iterator[tuple[str, bytes]]:
    for entry, contents in read_contents(clone, entries):
        if b"\0" not in contents[:SNIFFED_BYTES]:
            yield entry.path, contents


def _is_generated(path: str) -> bool:
    """Whether the file holds other packages' hashes, or pictures and styles."""
    return bool(heuristic.is_lock_file(path) or heuristic.is_non_text_file(path))
