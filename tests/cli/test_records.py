from pathlib import Path

import pytest
from sqlalchemy import text

from cli.records import RecordsError, opened
from utils.settings import Settings


def test_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://u:canary@/d?host={tmp_path}"
    settings = Settings.model_validate({"database_url": url})
    with (
        pytest.raises(RecordsError, match="the database says: ") as error,
        opened(settings) as database,
        database.read(),
    ):
        pass
    assert "canary" not in f"{error.value.reason} {error.value.advice}"
    assert "TRUELINE_DATABASE_URL" in error.value.advice


def test_database_is_closed_at_the_end(tmp_path: Path) -> None:
    with opened(Settings.model_validate({"data_dir": tmp_path})) as database:
        with database.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
        pool = database.engine.pool
    assert database.engine.pool is not pool
