import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.reading.source_file import SourceFile, constants_of, literal, read_source

Write = Callable[[str], SourceFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(text: str) -> SourceFile:
        (tmp_path / "x.py").write_text(text)
        return read_source(tmp_path / "x.py", "integrations/a/collectors/x.py")

    return make


@pytest.mark.parametrize(
    ("text", "written", "meant"),
    [
        ("import requests", "requests.get", "requests.get"),
        ("import requests as r", "r.get", "requests.get"),
        ("from requests import get as fetch", "fetch", "requests.get"),
        ("import urllib.request", "urllib.request.urlopen", "urllib.request.urlopen"),
        ("from . import more", "more.thing", "integrations.a.collectors.more.thing"),
        ("from ..models import Good", "Good", "integrations.a.models.Good"),
        ("", "self.config", "self.config"),
        ("", "f().x", ""),
    ],
)
def test_names_are_followed_through_imports(
    text: str, written: str, meant: str, write: Write
) -> None:
    assert write(text).name_of(ast.parse(written, mode="eval").body) == meant


def test_constants_are_the_literals_at_the_top(write: Write) -> None:
    file = write('A = 1\nB = A\nC = f()\nA = f()\nD = ("x", B)\n')
    assert constants_of(file) == {"B": 1}


def test_only_literals_have_a_value() -> None:
    assert literal(ast.parse("('a', -1)", mode="eval").body, {}) == ("a", -1)
    with pytest.raises(ValueError, match="not a literal"):
        literal(ast.parse("f()", mode="eval").body, {})


def test_an_invalid_escape_is_no_warning_of_ours(write: Write) -> None:
    assert write('A = "\\d"\n').trouble is None


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    trouble = read_source(tmp_path / "gone.py", "gone.py").trouble
    assert trouble
    assert "No such file" in trouble.what
