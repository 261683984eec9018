"""Makes the page of one integration, and tells whether the one that is there is of these files."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from cli.pages.facts import PageFacts, facts_of
from cli.pages.last_change import last_change
from cli.pages.prose import BadPage, place, read_prose
from cli.reading.integration_folder import IntegrationFolder
from cli.reading.manifest_file import PlacedEntry

FOLDER = "docs/integrations"
TEMPLATES = Path(__file__).parents[1] / "templates"
_UPDATED = re.compile(r"^\*\*Last updated:\*\* .*$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """The page of an integration: where it stands, what it says and what it should say."""

    path: Path
    shown: str
    present: str | None  # None: there is none
    wanted: str

    @property
    def is_stale(self) -> bool:
        """Whether it tells of other files; when these were last changed does not count."""
        return self.present is None or _undated(self.present) != _undated(self.wanted)


def page_of(
    root: Path, folder: IntegrationFolder, entry: PlacedEntry | None, *, dated: bool = True
) -> Page:
    """Make the page of an integration with the prose of the one that is there; raises BadPage.

    A page that is only compared needs no date: git is not asked then.
    """
    shown = f"{FOLDER}/{folder.name}.md"
    path = root / shown
    present = _present(path, shown)
    prose = {} if present is None else read_prose(present, shown)
    updated = last_change(root, folder.shown) if dated else ""
    return Page(path, shown, present, page_text(facts_of(folder, entry), prose, updated))


def _present(path: Path, shown: str) -> str | None:
    try:
        return path.read_bytes().decode() if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise BadPage(f"{shown}: it cannot be read: {error}", "move it away") from error


def page_text(facts: PageFacts, prose: Mapping[str, str], updated: str) -> str:
    """Return a page's text."""
    rows = (*facts.collectors, *facts.insights, *facts.reconcilers)
    paths = [f"integrations/{facts.name}/entry.py", *(row.path for row in rows)]
    text = _template().render(
        facts=facts,
        updated=updated,
        place=lambda name: place(name, prose),
        example=json.dumps(facts.example, indent=2, ensure_ascii=False),
        code=list(dict.fromkeys(paths)),
    )
    return _tidy(text)


def _tidy(text: str) -> str:
    """Take away empty lines in a row, but none that people wrote."""
    parts = re.split(r"(^<!-- prose: .*?^<!-- /prose -->$)", text, flags=re.MULTILINE | re.DOTALL)
    tidied = [
        part if number % 2 else re.sub(r"\n{3,}", "\n\n", part) for number, part in enumerate(parts)
    ]
    return "".join(tidied).rstrip("\n") + "\n"


@cache
def _template() -> jinja2.Template:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown; cells are escaped by `cell`
    )
    made.filters |= {"cell": _cell, "bar": _bar, "code": _code}
    return made.get_template("page.md.j2")


def _cell(text: str) -> str:
    return _bar(text).replace("<", "&lt;")


def _bar(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{_bar(name)}`" for name in names)


def _undated(page: str) -> str:
    return _UPDATED.sub("", page.replace("\r\n", "\n"), count=1)
