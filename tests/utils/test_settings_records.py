from pathlib import Path

import pytest

from utils.errors import SettingsError
from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_database_url_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://u:canary@h/d\n")
    settings = read(tmp_path, DATABASE_URL_FILE="url")
    assert settings.database == "postgresql://u:canary@h/d"
    assert "canary" not in repr(settings)
    assert "canary" not in repr(read(tmp_path, DATABASE_URL="postgresql://u:canary@h/d"))


@pytest.mark.parametrize(
    ("content", "other", "reason"),
    [
        (None, "", "cannot be read"),
        ("", "", "does not hold one URL"),
        ("postgresql://a postgresql://canary", "", "does not hold one URL"),
        ("postgresql://a", "postgresql://canary", "are both set"),
    ],
)
def test_file_without_one_database_url_is_refused(
    tmp_path: Path, content: str | None, other: str, reason: str
) -> None:
    if content is not None:
        (tmp_path / "url").write_text(content)
    settings = read(tmp_path, DATABASE_URL_FILE="url", DATABASE_URL=other)
    with pytest.raises(SettingsError, match=reason) as error:
        _ = settings.database
    assert "canary" not in str(error.value)
