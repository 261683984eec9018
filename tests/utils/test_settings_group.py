from pathlib import Path

import pytest
from pydantic import ValidationError

from utils.errors import SettingsError
from utils.settings_group import SettingsGroup, word_in


class Some(SettingsGroup):
    size: float = 1.0


def test_setting_does_not_change_and_none_is_unknown() -> None:
    some = Some(size=2)
    with pytest.raises(ValidationError, match="frozen"):
        some.size = 3
    for wrong in ({"sise": 2}, {"size": float("inf")}):
        with pytest.raises(ValidationError):
            Some.model_validate(wrong)


def test_file_holds_one_word(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("  word\n")
    assert word_in(file, "TRUELINE_X_FILE", "word", "it") == "word"
    for content in (b"", b"canary canary", b"canary\xff"):
        file.write_bytes(content)
        with pytest.raises(SettingsError, match="setting TRUELINE_X_FILE: ") as error:
            word_in(file, "TRUELINE_X_FILE", "word", "it")
        assert "canary" not in f"{error.value.reason} {error.value.advice}"
