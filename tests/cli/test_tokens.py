from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from api.audit_table import audit
from api.database import Database
from api.problems import NotFound
from api.signing_key import make_signing_key, read_signing_keys
from api.tokens import verify
from cli.tokens import open_tokens
from utils.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a machine on which no API has ever run."""
    key_file = tmp_path / "signing.json"
    make_signing_key(key_file)
    values = {"data_dir": tmp_path / "data", "signing_key_file": key_file}
    return Settings.model_validate(values)


def test_first_token_is_made_before_any_api_has_run(settings: Settings) -> None:
    assert settings.signing_key_file is not None
    with open_tokens(settings) as tokens:
        made = tokens.create("root", "admin", 30)
        (listed,) = tokens.read()
    assert listed == {name: value for name, value in made.items() if name != "token"}
    keys = read_signing_keys(settings.signing_key_file)
    assert verify(keys, made["token"], datetime.now(UTC)).id == made["id"]
    assert (settings.data_dir / "trueline.db").stat().st_mode & 0o077 == 0


def test_what_is_done_so_stands_in_the_audit_log(settings: Settings) -> None:
    with open_tokens(settings) as tokens:
        made = tokens.create("ci", "operator", 30)
        assert tokens.revoke(made["id"])["revoked_at"]
        with pytest.raises(NotFound):
            tokens.revoke("none")
    database = Database(settings.database)
    with database.read() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.at)).all()
    database.close()
    assert [row.action for row in rows] == ["tokens.create", "tokens.revoke"]
    assert {row.object_id for row in rows} == {made["id"]}
    assert {row.object_kind for row in rows} == {"token"}
    assert all("@" in row.principal and row.changed for row in rows)
    assert made["token"] not in str(rows)
