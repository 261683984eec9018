"""What the groups of settings have in common."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from utils.errors import SettingsError


class SettingsGroup(BaseModel):
    """Some of one process's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def word_in(file: Path, setting: str, what: str, example: str) -> str:
    """Return the one word that a file holds; its content is never shown."""
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"setting {setting}: {file} cannot be read",
            "give this user the right to read it, or correct the path",
        ) from error
    if not text or len(text.split()) != 1:
        raise SettingsError(
            f"setting {setting}: {file} does not hold one {what}",
            f"write {example} into it, on one line",
        )
    return text
