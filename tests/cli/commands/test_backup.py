from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from api.migrate import migrate


@pytest.fixture
def place(tmp_path: Path, trueline: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a data directory of its own with an empty database."""
    assert trueline
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(folder))
    database = Database(f"sqlite:///{folder / 'trueline.db'}")
    migrate(database)
    database.close()
    return folder


def test_backup_is_written_checked_and_says_where_the_key_is(
    trueline: Any, place: Path, tmp_path: Path
) -> None:
    file = tmp_path / "b.backup"
    ran = trueline("backup", str(file))
    assert ran.code == 0, ran.err
    assert "rows of" in ran.out
    assert "the key of secrets is not in it" in ran.out
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    checked = trueline("backup", "--check", str(file))
    assert (checked.code, file.read_bytes()) == (0, before)
    assert place.exists()


def test_key_goes_in_when_asked_for(trueline: Any, place: Path, tmp_path: Path) -> None:
    ran = trueline("backup", "--with-key", str(tmp_path / "b.backup"))
    assert ran.code == 3
    assert "the key of secrets" in ran.err
    (place / "secret.key").write_text("key")
    ran = trueline("backup", "--with-key", str(tmp_path / "b.backup"))
    assert "it holds the key of secrets" in ran.out


def test_file_that_is_no_backup_is_an_error_with_advice(
    trueline: Any, environ: Mapping[str, str], tmp_path: Path
) -> None:
    assert environ
    (tmp_path / "poem").write_text("roses")
    ran = trueline("backup", "--check", str(tmp_path / "poem"))
    assert ran.code == 3
    assert "cannot be used" in ran.err
    assert "next:" in ran.err


def test_backup_is_taken_while_the_api_runs(live: Any, tmp_path: Path) -> None:
    ran = live("backup", str(tmp_path / "b.backup"))
    assert ran.code == 0, ran.err
    ran = live("restore", str(tmp_path / "b.backup"), "--replace")
    assert ran.code == 3
    assert "in use" in ran.err
