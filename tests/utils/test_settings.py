import os
from pathlib import Path

import pytest

from utils.errors import SettingsError
from utils.settings import PREFIX, Settings, read_settings


def read(tmp_path: Path, **values: str) -> Settings:
    return read_settings({PREFIX + name: value for name, value in values.items()}, tmp_path)


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.data_dir == tmp_path / ".trueline"
    assert settings.database == f"sqlite:///{tmp_path}/.trueline/trueline.db"
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 8340)
    assert settings.api_url == "http://127.0.0.1:8340"
    assert settings.source_ref == "HEAD"
    assert settings.concurrency == 2 * (os.cpu_count() or 1)
    assert (settings.task_timeout_seconds, settings.job_timeout_seconds) == (180, 3600)
    assert (settings.sync_seconds, settings.lease_seconds) == (300, 30)
    assert settings.source_limit_mb == 1024


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


def test_other_variables_are_not_looked_at(tmp_path: Path) -> None:
    assert read_settings({"PATH": "/bin", "TRUELINE_FAILPOINT": "x:kill9"}, tmp_path)


def test_relative_paths_start_at_the_working_directory(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        DATA_DIR="data",
        SOURCE_TOKEN_FILE="secrets/token",
        SOURCE_SSH_KEY_FILE="key",
        SOURCE_KNOWN_HOSTS_FILE="/etc/known",
        SIGNING_KEY_FILE="sign",
    )
    assert settings.data_dir == tmp_path / "data"
    assert settings.source_token_file == tmp_path / "secrets" / "token"
    assert settings.source_ssh_key_file == tmp_path / "key"
    assert settings.source_known_hosts_file == Path("/etc/known")
    assert settings.signing_key_file == tmp_path / "sign"


def test_a_secret_file_keeps_its_link(tmp_path: Path) -> None:
    (tmp_path / "token").symlink_to("version-1")
    settings = read(tmp_path, SOURCE_TOKEN_FILE="token")
    assert settings.source_token_file == tmp_path / "token"


def test_an_empty_variable_is_an_unset_one(tmp_path: Path) -> None:
    settings = read(tmp_path, SOURCE_TOKEN_FILE="", API_PORT="", SOURCE_REF="")
    assert settings.source_token_file is None
    assert settings.api_port == 8340
    assert settings.source_ref == "HEAD"


def test_the_source_is_the_checkout_it_runs_from(tmp_path: Path) -> None:
    assert read(tmp_path).source_url == ""
    (tmp_path / ".git").mkdir()
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    assert read(inside).source_url == tmp_path.as_uri()
    assert read(inside, SOURCE_URL="/elsewhere").source_url == "/elsewhere"


def test_an_unknown_setting_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean 'TRUELINE_SYNC_SECONDS'") as refused:
        read(tmp_path, SYNC_SECOND="3")
    assert refused.value.advice


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYNC_SECONDS", "often"),
        ("SYNC_SECONDS", "0"),
        ("SYNC_SECONDS", "inf"),
        ("LEASE_SECONDS", "nan"),
        ("DRAIN_SECONDS", "-1"),
        ("API_PORT", "70000"),
        ("CONCURRENCY", "1.5"),
        ("ISOLATION", "vm"),
        ("API_URL", "127.0.0.1:8340"),
        ("API_URL", "http://host:port"),
        ("API_URL", "http://[::1"),
    ],
)
def test_an_unusable_value_names_the_variable_and_the_value(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, **{name: value})
    assert f"setting {PREFIX}{name}: {value!r}" in refused.value.reason
    assert refused.value.advice


def test_the_token_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(read(tmp_path, TOKEN="s3cret"))


def test_source_builds_are_names_between_commas(tmp_path: Path) -> None:
    assert read(tmp_path, SOURCE_BUILDS=" a, b,,").source_builds_allowed == {"a", "b"}
