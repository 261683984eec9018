import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.pages.page import Page, page_of
from cli.pages.prose import PLACES
from cli.reading.integration_folder import read_folder
from cli.reading.repository import Repository

TEMPLATE_SECTIONS = [
    "Description",
    "Features",
    "Desired state",
    "Architecture",
    "API endpoints",
    "Models",
    "Limits and constraints",
    "Required components",
    "Configuration",
    "Client",
    "Troubleshooting",
    "References",
]
MakePage = Callable[[], Page]


@pytest.fixture
def make_page(repository: Repository) -> MakePage:
    def make() -> Page:
        folder = read_folder(repository.root, "shop")
        return page_of(repository.root, folder, Repository(repository.root).entry("shop"))

    return make


def test_it_has_every_section_each_with_a_place_for_prose(make_page: MakePage) -> None:
    page = make_page().wanted
    assert re.findall(r"^## (.*)$", page, flags=re.MULTILINE) == TEMPLATE_SECTIONS
    assert re.findall(r"^<!-- prose: (\w+) -->$", page, flags=re.MULTILINE) == list(PLACES)


@pytest.mark.parametrize(
    "line",
    [
        "# Shop",
        "**Last updated:** 2026-03-04",
        "Watches a shop.",
        "- gathers: Goods",
        "| `priced` | All are priced | high | Goods without a &lt;price> are for nothing. |",
        "Set-up (`StageOne`): Log in.",
        "| `goods` | collector | 100 |  | Reads \\| all goods |",
        "| `goods` | `goods`, `total` |",
        "### `Good`",
        "| `price` | `float \\| None` | `None` | In euro |",
        "| `name` | `str` | `'home'` |  |",
        "- Long lists are read page by page (`LinkPages`); a page that fails fails the task.",
        "| `token` | yes | Of a reader |",
        "Hosts: `api.shop.example`.",
        "Packages beyond those that every environment has: `boto3==1.40.2`.",
        "| `url` | string | yes | - | Where \\| it is |",
        "| `token` | secret | yes | - | Of a reader |",
        "| `days` | integer | no | `3` | Days kept; at least `1` |",
        "| `zones[].name` | string | yes | - | Of the zone |",
        '  "url": "https://s",',
    ],
)
def test_it_is_filled_from_the_files(line: str, make_page: MakePage) -> None:
    assert line in make_page().wanted.splitlines()


def test_markup_of_the_manifest_is_shown_as_text(
    make_page: MakePage, repository: Repository
) -> None:
    manifest = repository.root / "integrations.json"
    manifest.write_text(manifest.read_text().replace("Watches", "<script>x</script> Watches"))
    assert "<script>" not in make_page().wanted


def test_models_of_the_inside_are_left_out(make_page: MakePage) -> None:
    page = make_page().wanted
    assert "Inner" not in page
    assert "_hidden" not in page


def test_prose_is_kept_and_everything_else_is_made_anew(make_page: MakePage) -> None:
    page = make_page()
    page.path.parent.mkdir(parents=True)
    prose = "Written by hand.\n\n\n\n| a | b |\n## with a heading"
    text = page.wanted.replace("<!-- prose: limits -->\n", f"<!-- prose: limits -->\n{prose}\n")
    page.path.write_text(text.replace("Watches a shop.", "Watches a house."))
    again = make_page()
    assert again.is_stale
    assert again.wanted == text
    page.path.write_text(again.wanted)
    assert not make_page().is_stale
    assert make_page().wanted == again.wanted


def test_a_page_of_windows_is_the_same_page(make_page: MakePage) -> None:
    page = make_page()
    page.path.parent.mkdir(parents=True)
    page.path.write_bytes(page.wanted.replace("\n", "\r\n").encode())
    assert not make_page().is_stale


def test_the_date_alone_makes_no_page_stale(make_page: MakePage) -> None:
    page = make_page()
    page.path.parent.mkdir(parents=True)
    page.path.write_text(page.wanted.replace("2026-03-04", "2020-01-01"))
    assert not make_page().is_stale


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("integrations.json", "Watches a shop", "Watches it"),
        ("integrations.json", '"default": 3', '"default": 4'),
        ("integrations/shop/insights/priced.py", "high", "low"),
        ("integrations/shop/entry.py", "Log in", "Sign in"),
        ("integrations/shop/models.py", "In euro", "In cent"),
    ],
)
def test_a_change_of_the_files_makes_it_stale(
    file: str, old: str, new: str, make_page: MakePage, repository: Repository
) -> None:
    page = make_page()
    page.path.parent.mkdir(parents=True)
    page.path.write_text(page.wanted)
    assert not make_page().is_stale
    path: Path = repository.root / file
    path.write_text(path.read_text().replace(old, new))
    assert make_page().is_stale
