from pathlib import Path

import pytest

from utils.errors import SettingsError
from utils.settings import (
    as_variables,
    flag_names,
    read_settings,
    settings_in_force,
    shown_values,
)
from utils.settings_layers import flag_of, read_file, variable_of

NAMES = ("config_file", "api_port", "data_dir")


def write(tmp_path: Path, text: str) -> str:
    (tmp_path / "trueline.toml").write_text(text)
    return "trueline.toml"


def test_flags_go_before_variables_and_these_before_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, 'api_port = 1\nsync_seconds = 2\nsource_ref = "file"\n')
    environ = {"TRUELINE_CONFIG_FILE": file, "TRUELINE_API_PORT": "3", "TRUELINE_SYNC_SECONDS": "4"}
    found = settings_in_force(environ, tmp_path, ["--api-port", "5"])
    settings = found.settings
    assert (settings.api_port, settings.sync_seconds, settings.source_ref) == (5, 4, "file")
    assert found.places["api_port"] == "--api-port"
    assert found.places["sync_seconds"] == "TRUELINE_SYNC_SECONDS"
    assert found.places["source_ref"] == f"source_ref ({tmp_path / file}:3)"
    assert "lease_seconds" not in found.places


def test_the_file_may_be_named_by_a_flag(tmp_path: Path) -> None:
    file = write(tmp_path, "api_port = 7")
    assert read_settings({}, tmp_path, ["--settings", file]).api_port == 7
    other = {"TRUELINE_CONFIG_FILE": "elsewhere.toml"}
    assert read_settings(other, tmp_path, [f"--settings={file}"]).api_port == 7


def test_what_is_empty_is_not_given(tmp_path: Path) -> None:
    file = write(tmp_path, 'source_ref = ""\napi_port = 7')
    environ = {"TRUELINE_CONFIG_FILE": file, "TRUELINE_API_PORT": ""}
    settings = read_settings(environ, tmp_path, ["--api-port", ""])
    assert (settings.source_ref, settings.api_port) == ("HEAD", 7)


@pytest.mark.parametrize(
    ("text", "reason", "advice"),
    [
        ("\napi_prot = 1", ":2: unknown setting 'api_prot' (did you mean 'api_port'?)", "remove"),
        ("api_port = 1\n[worker]\nx = 1", ":2: unknown setting 'worker'", "remove"),
        ('config_file = "x"', ":1: unknown setting 'config_file'", "remove"),
        ("api_port = [1]", ":1: api_port is a list", "a text or a number"),
        ("api_port = 2026-01-01", ":1: api_port is a date", "a text or a number"),
        ("api_port = 1\napi_port = 2", "settings file", "correct that line"),
        ("\n\napi_port = x", "line 3", "correct that line"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(
    tmp_path: Path, text: str, reason: str, advice: str
) -> None:
    path = tmp_path / write(tmp_path, text)
    with pytest.raises(SettingsError) as refused:
        read_file(path, NAMES)
    assert reason in refused.value.reason
    assert str(path) in refused.value.reason
    assert advice in refused.value.advice


@pytest.mark.parametrize(
    ("arguments", "text", "reason", "advice"),
    [
        (["--api-port", "x"], "", "setting --api-port: 'x' cannot be used", "--api-port or leave"),
        ([], "\napi_port = true", "api_port (", "api_port in "),
        ([], "concurrency = 1.5", ":1): '1.5' cannot be used", "or remove it"),
        (["--api-url=nowhere"], "", "setting --api-url: 'nowhere' is not", "http://"),
        (["--api-port"], "", "expected one argument", "docs/operating.md"),
        (["--token", "x"], "", "unknown flag --token", "leave it out"),
        (["up"], "", "unknown flag up", "leave it out"),
    ],
)
def test_what_cannot_be_used_names_its_place(
    tmp_path: Path, arguments: list[str], text: str, reason: str, advice: str
) -> None:
    environ = {"TRUELINE_CONFIG_FILE": write(tmp_path, text)}
    with pytest.raises(SettingsError) as refused:
        read_settings(environ, tmp_path, arguments)
    assert reason in refused.value.reason
    assert advice in refused.value.advice


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_bytes(b"\xff"), None])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, make: object) -> None:
    path = tmp_path / "settings"
    if callable(make):
        make(path)
    with pytest.raises(SettingsError, match=f"settings file {path}"):
        read_file(path, NAMES)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(SettingsError, match="over 1 MiB"):
        read_file(path, NAMES)


def test_secrets_are_no_flags_and_are_never_shown(tmp_path: Path) -> None:
    assert "token" not in flag_names()
    secret = {
        "TRUELINE_TOKEN": "s3cret-token",
        "TRUELINE_DATABASE_URL": "postgresql+psycopg://me:s3cret@host/name",
        "TRUELINE_SOURCE_URL": "https://me:s3cret@w0rd@host/name",
    }
    shown = shown_values(read_settings(secret, tmp_path))
    assert "s3cret" not in str(shown)
    assert "w0rd" not in str(shown)
    assert shown["database_url"] == "********"
    assert shown["source_url"] == "https://me:********@host/name"
    assert shown_values(read_settings({}, tmp_path))["token"] == ""


def test_flags_become_the_variables_that_do_the_same() -> None:
    assert as_variables(["--api-port=0", "--concurrency", "3"]) == {
        "TRUELINE_API_PORT": "0",
        "TRUELINE_CONCURRENCY": "3",
    }
    assert (flag_of("config_file"), variable_of("data_dir")) == ("--settings", "TRUELINE_DATA_DIR")
