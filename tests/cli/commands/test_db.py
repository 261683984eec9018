from pathlib import Path
from typing import Any

import pytest

from api.migrate import newest_revision


@pytest.fixture
def place(tmp_path: Path, trueline: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert trueline
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path))
    return tmp_path


def test_schema_goes_forward_and_back(trueline: Any, place: Path) -> None:
    assert place.exists()
    assert "none: the database is empty" in trueline("db", "revision").out
    assert trueline("db", "upgrade").out == f"at revision {newest_revision()}\n"
    assert trueline("db", "downgrade", "0001").out == "at revision 0001\n"
    assert (
        f"at revision 0001; this version needs {newest_revision()}"
        in trueline("db", "revision").out
    )
    assert trueline("db", "check").code == 0


@pytest.mark.parametrize("arguments", [["downgrade"], ["upgrade", "0001"], ["sideways"]])
def test_arguments_that_do_not_fit_are_refused(
    trueline: Any, place: Path, arguments: list[str]
) -> None:
    assert place.exists()
    assert trueline("db", *arguments).code == 2


def test_unknown_revision_is_answered_with_those_there_are(trueline: Any, place: Path) -> None:
    assert place.exists()
    ran = trueline("db", "downgrade", "9999")
    assert ran.code == 3
    assert "0001" in ran.err
