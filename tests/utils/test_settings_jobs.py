from pathlib import Path

from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_source_builds_are_names_between_commas(tmp_path: Path) -> None:
    assert read(tmp_path, SOURCE_BUILDS=" a, b,,").source_builds_allowed == {"a", "b"}


def test_debug_lines_are_kept_of_integrations_that_are_named_or_of_all(tmp_path: Path) -> None:
    named, every, none = (
        read(tmp_path, DEBUG_LOGS=value).keeps_debug_lines for value in ("a, b", "*", "")
    )
    assert [named("b"), named("c"), every("c"), none("a")] == [True, False, True, False]
