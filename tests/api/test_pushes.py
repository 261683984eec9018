from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

import api.pushes
from api.database import Database
from api.forges import Forge
from api.problems import Forbidden, Unavailable
from api.pushes import KEPT, forget_old, read_secrets, remember
from api.webhook_tables import pushes

if TYPE_CHECKING:
    from tests.api.hand_clock import HandClock


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(pushes)).scalar_one()


def test_message_is_remembered_by_all_its_keys(database: Database, clock: "HandClock") -> None:
    with database.write() as connection:
        assert remember(connection, Forge.GITHUB, ["id", "body"], clock.now)
        assert not remember(connection, Forge.GITHUB, ["id", "other"], clock.now)
        assert not remember(connection, Forge.GITHUB, ["new", "body"], clock.now)
        assert remember(connection, Forge.GITHUB, ["new", "other"], clock.now)


def test_old_messages_are_forgotten(database: Database, clock: "HandClock") -> None:
    with database.write() as connection:
        remember(connection, Forge.GITEA, ["old"], clock.now)
        remember(connection, Forge.GITEA, ["new"], clock.now + timedelta(hours=1))
        assert forget_old(connection, clock.now + KEPT) == 1
        assert forget_old(connection, clock.now + KEPT) == 0
    assert count(database) == 1


def test_only_so_many_are_remembered(
    database: Database, clock: "HandClock", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.pushes, "MOST_KEPT", 3)
    with database.write() as connection:
        for n in range(10):
            remember(connection, Forge.GITEA, [str(n)], clock.move(seconds=1))
        assert forget_old(connection, clock.now) == 7
        kept = connection.execute(select(pushes.c.key)).scalars().all()
    assert sorted(kept) == ["7", "8", "9"]


def test_secrets_are_lines_of_a_file_that_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    with pytest.raises(Forbidden):
        read_secrets(None)
    with pytest.raises(Unavailable, match="read"):
        read_secrets(file)
    file.write_text(" one \n\ntwo words\n")
    assert read_secrets(file) == ["one", "two words"]
