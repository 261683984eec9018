"""The site of `make docs`: it is built without warnings, and asks nothing of other machines."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SDK = (REPOSITORY / "docs/reference/sdk.md").read_text(encoding="utf-8")
NAMES = re.findall(r"^::: (\S+)$", SDK, flags=re.MULTILINE)
OUTSIDE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
LINKS = {"canonical", "next", "prev", "alternate", "author", "license"}  # of a page, not loaded
LOADED_ON_DEMAND = {"mermaid", "glightbox", "pyodide"}  # blocks for which a script is fetched


class Loads(HTMLParser):
    """Collects what a browser fetches for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.classes |= set(given.get("class", "").split())
        is_loaded = tag == "link" and given.get("rel", "") not in LINKS
        for name in ("src", "srcset", "data", "poster", "href" if is_loaded else "src"):
            if given.get(name):
                self.urls.append(given[name])
        self.urls += re.findall(r"url\(['\"]?([^)'\"]+)", given.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    shutil.copy(REPOSITORY / "zensical.toml", root)
    for folder in ("docs", "utils"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignored)
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return root / ".site"


def pages(site: Path) -> Iterator[Path]:
    return site.rglob("*.html")


def test_every_page_is_there(site: Path) -> None:
    made = {path.relative_to(site).with_suffix("").as_posix() for path in pages(site)}
    wanted = {
        path.relative_to(REPOSITORY / "docs").with_suffix("").as_posix()
        for path in (REPOSITORY / "docs").rglob("*.md")
    }
    assert {page.replace("README", "index") for page in wanted} <= made


def test_nothing_is_fetched_from_other_machines(site: Path) -> None:
    for path in pages(site):
        loads = Loads()
        loads.feed(path.read_text(encoding="utf-8"))
        assert loads.urls
        assert [url for url in loads.urls if OUTSIDE.match(url)] == []
        assert not loads.classes & LOADED_ON_DEMAND
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"(?:url\(|@import\s)['\"]?([^)'\";]+)", text)
        assert [url for url in found if OUTSIDE.match(url)] == []


def test_what_the_sdk_offers_is_told(site: Path) -> None:
    page = (site / "reference/sdk.html").read_text(encoding="utf-8")
    for name in NAMES:
        assert f'id="{name}"' in page
    assert "Declare the function below as a task" in page


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_sdk_can_be_imported(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert getattr(importlib.import_module(module), attribute).__doc__
