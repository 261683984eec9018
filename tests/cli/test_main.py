import importlib
import subprocess
import sys

import pytest

from cli.main import COMMANDS, main
from utils import __version__


def test_help_lists_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert name in said
        assert summary in said
    assert "3 failed run" in " ".join(said.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_that_begins_with_what_it_does(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    assert f"trueline {name}" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    heavy = "pydantic", "httpx2", "rich", "flask", "sqlalchemy", "apscheduler", "structlog"
    code = f"""
import sys
from cli.main import main
for arguments in (["--help"], ["demo", "--help"], ["run", "--help"], ["scan", "--help"]):
    main(arguments)
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.strip() == "[]"


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_a_near_miss_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["violation"]) == 2
    assert "did you mean 'violations'?" in capsys.readouterr().err


def test_an_unknown_flag_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "--loud"]) == 2
    assert "--loud" in capsys.readouterr().err


def test_an_unknown_setting_ends_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELINE_DATA_DIRR", "x")
    assert main(["jobs"]) == 2
    said = capsys.readouterr().err
    assert "did you mean 'TRUELINE_DATA_DIR'?" in said
    assert "Traceback" not in said


def test_the_installed_command_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert __version__ in done.stdout


def test_every_command_takes_json(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        command = importlib.import_module(f"cli.commands.{name}").command
        below = [[name, one] for one in getattr(command, "commands", ())] or [[name]]
        for arguments in below:
            assert main([*arguments, "--help"]) == 0
            assert "--json" in capsys.readouterr().out, arguments
