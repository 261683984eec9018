from pathlib import Path

from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_keys_are_not_shown_and_their_file_is_a_path(tmp_path: Path) -> None:
    assert "canary" not in repr(read(tmp_path, SECRET_KEY="canary"))
    assert read(tmp_path, SECRET_KEY_FILE="keys").secret_key_file == tmp_path / "keys"
