from pathlib import Path

from api.database import Database
from api.issued_tokens import find_token
from api.signing_key import make_signing_key
from cli.passes import IDS_FILE, Passes
from cli.tokens import open_tokens
from utils.settings import Settings


def keyed(tmp_path: Path) -> Settings:
    key_file = tmp_path / "signing.json"
    make_signing_key(key_file)
    values = {"data_dir": tmp_path / "data", "signing_key_file": key_file}
    return Settings.model_validate(values)


def good(settings: Settings) -> dict[str, str]:
    """Return the names and roles of the tokens that are still good."""
    with open_tokens(settings) as tokens:
        return {row["name"]: row["role"] for row in tokens.read() if not row["revoked_at"]}


def test_without_a_key_there_are_none(tmp_path: Path) -> None:
    passes = Passes(Settings.model_validate({"data_dir": tmp_path / "data"}))
    passes.issue()
    passes.withdraw()
    assert (passes.worker, passes.command) == ("", "")
    assert not (tmp_path / "data").exists()


def test_worker_and_command_have_one_each_until_the_end(tmp_path: Path) -> None:
    settings = keyed(tmp_path)
    passes = Passes(settings)
    passes.issue()
    assert good(settings) == {"up.worker": "worker", "up.command": "operator"}
    assert passes.worker != passes.command
    passes.withdraw()
    assert good(settings) == {}
    assert not (settings.data_dir / IDS_FILE).exists()


def test_those_that_a_killed_start_has_left_are_taken_back(tmp_path: Path) -> None:
    settings = keyed(tmp_path)
    Passes(settings).issue()
    left = (settings.data_dir / IDS_FILE).read_text().split()
    Passes(settings).issue()
    assert len(good(settings)) == 2
    database = Database(settings.database)
    with database.read() as connection:
        found = [find_token(connection, token_id) for token_id in left]
    database.close()
    assert all(token and token.revoked_at for token in found)


def test_those_of_another_database_are_no_obstacle(tmp_path: Path) -> None:
    settings = keyed(tmp_path)
    settings.data_dir.mkdir()
    (settings.data_dir / IDS_FILE).write_text("unknown\n")
    Passes(settings).issue()
    assert len(good(settings)) == 2
