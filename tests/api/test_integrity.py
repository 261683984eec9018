from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from api.database import Database
from api.integrity import UnsoundError, check_integrity

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_sound_database_is_counted(desk: "Desk", database: Database) -> None:
    before = check_integrity(database)
    desk.start()
    assert check_integrity(database) == before + 2  # and an entry of the audit log


def test_lost_database_is_told(database: Database, lose_database: Callable[[], None]) -> None:
    lose_database()
    with pytest.raises(UnsoundError, match="damaged or cannot be read") as error:
        check_integrity(database)
    assert "backup" in error.value.advice


@pytest.mark.only_on("sqlite")
def test_row_that_refers_to_nothing_is_found(desk: "Desk", database: Database) -> None:
    job_id = desk.run({"name": "look"})
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job_id})
        connection.commit()
        connection.invalidate()
    with pytest.raises(UnsoundError, match="refers to nothing"):
        check_integrity(database)
