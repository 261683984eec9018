from pathlib import Path

import pytest

from utils.errors import SettingsError
from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary-token\n")
    settings = read(tmp_path, TOKEN_FILE="token")
    assert settings.bearer_token == "canary-token"
    assert "canary" not in repr(settings)
    assert read(tmp_path, TOKEN_FILE="token", TOKEN="nearer").bearer_token == "nearer"
    assert read(tmp_path).bearer_token == ""


@pytest.mark.parametrize("content", [None, "", "canary canary"])
def test_file_without_one_token_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(SettingsError, match="TRUELINE_TOKEN_FILE") as error:
        _ = read(tmp_path, TOKEN_FILE="token").bearer_token
    assert "canary" not in str(error.value)


def test_the_token_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(read(tmp_path, TOKEN="s3cret"))


def test_names_of_the_api_are_told_apart_by_commas(tmp_path: Path) -> None:
    names = read(tmp_path, API_HOSTS=" Trueline.Example.com, [::2] ,,").api_names
    assert names == {"trueline.example.com", "::2"}
