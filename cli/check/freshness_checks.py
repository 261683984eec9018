"""Checks of what was made from the folder: is it still of these files."""

from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject
from utils.quality import FILE_NAME, quality_of


def freshness_findings(subject: Subject) -> Iterator[Finding]:
    """Check quality.json against the folder's files."""
    folder = subject.folder
    if not (folder.path / FILE_NAME).is_file():
        return
    quality = quality_of(folder.path)
    place = f"{folder.shown}/{FILE_NAME}"
    fix = f"run `trueline test {folder.name} --faults`"
    if quality is None:
        yield Finding(rules.QUALITY_STALE, place, 1, "it cannot be read", fix)
    elif not quality.is_fresh:
        what = "the folder has changed since it was written"
        yield Finding(rules.QUALITY_STALE, place, 1, what, fix)
