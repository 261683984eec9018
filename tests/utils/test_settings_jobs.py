from pathlib import Path

from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_source_builds_are_names_between_commas(tmp_path: Path) -> None:
    assert read(tmp_path, SOURCE_BUILDS=" a, b,,").source_builds_allowed == {"a", "b"}
