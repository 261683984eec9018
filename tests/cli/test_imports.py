"""Tests of reading what an integration's files import."""

from pathlib import Path

from cli.imports import ALWAYS, imported_modules


def test_imports_are_read_without_running_anything(tmp_path: Path) -> None:
    (tmp_path / "entry.py").write_text(
        "import json, os.path\nfrom . import near\nfrom integrations.x import y\n"
        "def f():\n    from requests.adapters import HTTPAdapter\nraise SystemExit\n"
    )
    (tmp_path / "broken.py").write_text("def (\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text("import pytest\n")

    found = imported_modules(tmp_path)

    assert found == tuple(sorted({"json", "os.path", "requests.adapters", *ALWAYS}))
