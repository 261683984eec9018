"""Checks of what was made from the folder: is it still of these files."""

from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject
from cli.pages.page import FOLDER, page_of
from cli.reading.integration_folder import ENTRY
from utils.errors import TruelineError
from utils.quality import FILE_NAME, quality_of


def freshness_findings(subject: Subject) -> Iterator[Finding]:
    """Check quality.json and the documentation page against the folder's files."""
    yield from _page(subject)
    yield from _quality(subject)


def _page(subject: Subject) -> Iterator[Finding]:
    folder = subject.folder
    if subject.entry is None or not all(file.tree for file in folder.code):
        return  # what is worse is told already
    fix = f"run `trueline docs {folder.name}` and commit what it writes"
    try:
        page = page_of(subject.repository.root, folder, subject.entry, dated=False)
    except TruelineError as error:
        path = f"{FOLDER}/{folder.name}.md"
        yield Finding(rules.PAGE_STALE, path, 1, error.reason, error.advice)
        return
    if page.present is None:
        what = f"{folder.name} has no page"
        yield Finding(rules.PAGE_STALE, f"{folder.shown}/{ENTRY}", 1, what, fix)
    elif page.is_stale:
        yield Finding(rules.PAGE_STALE, page.shown, 1, "it is of other files", fix)


def _quality(subject: Subject) -> Iterator[Finding]:
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
