from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from api.migrate import migrate


def test_records_come_back_into_an_empty_place_and_replace_others_when_asked(
    trueline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(tmp_path / "b.backup")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    database = Database(f"sqlite:///{tmp_path / 'one' / 'trueline.db'}")
    migrate(database)
    with database.write() as connection:
        row = "('u', 'r', 'c', 'ok', NULL, '2026-01-01 00:00:00')"
        connection.exec_driver_sql(f"INSERT INTO sources VALUES {row}")
    database.close()
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path / "one"))
    assert trueline("backup", file).code == 0
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path / "other"))
    ran = trueline("restore", file)
    assert ran.code == 0, ran.err
    assert "restored 1 rows" in ran.out
    assert "put the key of secrets back" in ran.out
    ran = trueline("restore", file)
    assert ran.code == 3
    assert "--replace" in ran.err
    assert trueline("restore", file, "--replace").code == 0
    assert trueline("db", "check").out == "sound: 1 rows\n"
