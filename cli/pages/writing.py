"""Which pages there are to make, and how one is written."""

from collections.abc import Iterator, Sequence

from cli.exits import Exit
from cli.pages.page import Page, page_of
from cli.reading.integration_folder import read_folder
from cli.reading.repository import Repository
from utils.errors import TruelineError
from utils.files import write_durably
from utils.suggest import did_you_mean


class NoIntegration(TruelineError):  # noqa: N818 - reads as the state it reports
    """There is no integration of that name."""

    exit_code = Exit.USAGE


class NotReadable(TruelineError):  # noqa: N818 - reads as the state it reports
    """A file of an integration cannot be read, so that nobody knows what it has."""


def pages_of(repository: Repository, names: Sequence[str], *, dated: bool) -> Iterator[Page]:
    """Make the pages of these integrations; of all that the manifest lists, when none is named.

    Raises BadManifest and NotReadable: a page of half of what there is would look whole.
    """
    repository.require_manifest()
    listed = [name for name in repository.folder_names if repository.entry(name) is not None]
    for name in names:
        if name not in listed:
            raise NoIntegration(
                f"there is no integration {name!r}{did_you_mean(name, listed)}",
                f"there are {', '.join(listed) or 'none'}",
            )
    for name in names or listed:
        folder = read_folder(repository.root, name)
        for file in folder.code:
            if file.trouble:
                place = f"{file.path}:{file.trouble.line}"
                advice = f"correct it; `trueline check {folder.shown}` tells all that is wrong"
                raise NotReadable(f"{place}: {file.trouble.what}", advice)
        yield page_of(repository.root, folder, repository.entry(name), dated=dated)


def write_page(page: Page) -> None:
    """Write a page beside its place and put it there as a whole."""
    page.path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(page.path, page.wanted.encode(), 0o644)
