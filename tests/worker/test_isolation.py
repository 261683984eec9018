from pathlib import Path

import pytest

from utils.errors import SettingsError
from utils.settings import Settings
from worker.isolation import Isolation, IsolationMissing, choose_isolation
from worker.launcher import Launcher


def test_sandbox_is_the_default_where_it_works() -> None:
    choice = choose_isolation("")
    assert choice.level is Isolation.SANDBOX
    assert choice.sandbox is not None
    assert choice.may_be_warm


def test_without_a_sandbox_the_default_is_the_process_and_says_why() -> None:
    choice = choose_isolation("", ())
    assert choice.level is Isolation.PROCESS
    assert "no bubblewrap" in choice.missing


def test_process_is_taken_at_its_word() -> None:
    choice = choose_isolation("process")
    assert (choice.level, choice.sandbox, choice.missing) == (Isolation.PROCESS, None, "")


def test_level_that_is_asked_for_and_missing_is_refused_with_advice() -> None:
    with pytest.raises(IsolationMissing, match="'sandbox' was asked for: no sandbox") as caught:
        choose_isolation("sandbox", ())
    assert "TRUELINE_ISOLATION=process" in caught.value.advice


@pytest.mark.parametrize("paths", ["relative", "/", "/absent/path", "/usr:/absent"])
def test_path_that_cannot_be_shown_is_refused_with_advice(
    launcher: Launcher, tmp_path: Path, paths: str
) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "readable_paths": paths})
    with pytest.raises(SettingsError, match="TRUELINE_READABLE_PATHS"):
        choose_isolation("sandbox").host(launcher, settings, {})


def test_children_of_a_sandbox_are_enclosed_and_others_are_only_limited(
    launcher: Launcher, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "cpu_limit_seconds": 7})
    inside = choose_isolation("sandbox").host(launcher, settings, {})
    assert inside.confine["enclosed"] is True
    outside = choose_isolation("process").host(launcher, settings, {})
    assert outside.confine == {"limits": {"RLIMIT_CPU": (7, 12)}}


def test_declared_egress_without_a_sandbox_is_refused_with_advice(
    launcher: Launcher, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "egress": "declared"})
    for choice, why in (
        (choose_isolation("process"), "TRUELINE_ISOLATION is process"),
        (choose_isolation("", ()), "no bubblewrap"),
    ):
        with pytest.raises(IsolationMissing, match="TRUELINE_EGRESS=declared needs") as caught:
            choice.host(launcher, settings, {})
        assert why in caught.value.reason
        assert "TRUELINE_EGRESS=open" in caught.value.advice
        choice.check_egress("open")
    choose_isolation("sandbox").check_egress("declared")


def test_declared_egress_takes_the_workers_proxies_from_jobs(
    launcher: Launcher, tmp_path: Path
) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:1", "SSL_CERT_FILE": "/certificates"}
    for egress, passed_on in (("open", environ), ("declared", {"SSL_CERT_FILE": "/certificates"})):
        settings = Settings.model_validate({"data_dir": tmp_path, "egress": egress})
        host = choose_isolation("sandbox").host(launcher, settings, environ)
        assert host.environ == passed_on
        host.ways.close()


@pytest.mark.parametrize("isolation", ["process", "sandbox"])
def test_private_addresses_that_cannot_be_read_stop_the_start(
    launcher: Launcher, tmp_path: Path, isolation: str
) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "egress_private": "localhost"})
    with pytest.raises(SettingsError, match="TRUELINE_EGRESS_PRIVATE"):
        choose_isolation(isolation).host(launcher, settings, {})


@pytest.mark.parametrize(("version", "may_be_warm"), [(0, False), (5, False), (6, True)])
def test_jobs_share_a_sandbox_only_where_they_cannot_signal_each_other(
    monkeypatch: pytest.MonkeyPatch, version: int, *, may_be_warm: bool
) -> None:
    monkeypatch.setattr("worker.isolation.landlock_version", lambda: version)
    assert choose_isolation("sandbox").may_be_warm is may_be_warm
    assert choose_isolation("process").may_be_warm
