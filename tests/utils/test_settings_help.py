import pytest

from utils.settings import Settings, flag_names
from utils.settings_help import parse_arguments
from utils.settings_layers import flag_of


def test_arguments_are_passed_on() -> None:
    assert parse_arguments("x", "about", ["--api-port", "1"]) == ["--api-port", "1"]


def test_help_has_every_flag_with_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse_arguments("python -m api", "What it is.", ["--api-port", "1", "-h"])
    assert left.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "What it is." in said
    for name in flag_names():
        assert flag_of(name) in said
        assert " ".join(str(Settings.model_fields[name].description).split())[:30] in said
