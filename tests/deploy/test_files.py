"""Every file under deploy/ and compose.yaml holds what can be checked without the programs."""

import re
from pathlib import Path

import pytest

from api.guard import ENVELOPE_BYTES, INLINE_BYTES
from utils.settings import PREFIX, Settings

REPOSITORY = Path(__file__).parents[2]
FILES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (
        REPOSITORY / "compose.yaml",
        REPOSITORY / "Containerfile",
        *(path for path in (REPOSITORY / "deploy").rglob("*") if path.is_file()),
    )
)
VARIABLES = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
PAGE = (REPOSITORY / "docs" / "deploying.md").read_text(encoding="utf-8")
SECRET = re.compile(r"(?i)\b(?:password|token|secret|key)\s*[:=]\s*[\w+/-]{12,}\s*$", re.MULTILINE)


def read(file: str) -> str:
    return (REPOSITORY / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES)
def test_every_variable_is_a_setting(file: str) -> None:
    assert set(re.findall(rf"\b{PREFIX}\w+", read(file))) <= VARIABLES


@pytest.mark.parametrize("file", FILES)
def test_no_secret_stands_in_it(file: str) -> None:
    assert SECRET.findall(read(file)) == []


@pytest.mark.parametrize("file", [file for file in FILES if file != "Containerfile"])
def test_the_page_tells_what_it_is_for(file: str) -> None:
    assert f"`{file}`" in PAGE


def test_proxies_let_the_largest_report_through() -> None:
    size = {"m": 2**20, "MiB": 2**20, "MB": 10**6}
    for file, word in (("nginx.conf", "client_max_body_size"), ("Caddyfile", "max_size")):
        said = re.search(rf"{word} (\d+)(\w+)", read(f"deploy/proxy/{file}"))
        assert said is not None
        assert int(said[1]) * size[said[2]] >= 2 * INLINE_BYTES + ENVELOPE_BYTES


def test_files_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"`(deploy/[^`\s]*)`", PAGE))
    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_variables_of_the_page_are_settings() -> None:
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", PAGE)) <= VARIABLES
