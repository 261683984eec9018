from pathlib import Path

from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_a_secret_file_keeps_its_link(tmp_path: Path) -> None:
    (tmp_path / "token").symlink_to("version-1")
    settings = read(tmp_path, SOURCE_TOKEN_FILE="token")
    assert settings.source_token_file == tmp_path / "token"
