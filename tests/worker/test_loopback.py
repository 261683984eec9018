from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from utils.errors import SettingsError
from utils.settings import Settings
from worker.isolation import Choice, Isolation, IsolationMissing, choose_isolation
from worker.loopback import shut_loopback


@pytest.fixture(scope="module")
def choice() -> Choice:
    return choose_isolation("sandbox")


def settings(**given: Any) -> Settings:
    return Settings.model_validate(given)


@pytest.fixture
def unguarded(choice: Choice, tmp_path: Path) -> Choice:
    """A sandbox that lets no guard in: it passes no descriptors on."""
    assert choice.sandbox is not None
    broken = tmp_path / "bwrap"
    broken.write_text(f'#!/bin/sh\nexec {choice.sandbox.bubblewrap} "$@" 5<&-\n')
    broken.chmod(0o755)
    return replace(choice, sandbox=replace(choice.sandbox, bubblewrap=broken))


def test_loopback_is_shut_in_a_sandbox_where_that_works(choice: Choice) -> None:
    for asked in ("", "closed"):
        shut = shut_loopback(choice, settings(loopback=asked, loopback_ports=" 5432, 6379,"))
        assert shut.level is Isolation.SANDBOX
        assert shut.sandbox is not None
        assert shut.sandbox.open_ports == frozenset({5432, 6379})


def test_loopback_that_cannot_be_shut_shows_in_the_level(unguarded: Choice) -> None:
    left = shut_loopback(unguarded, settings())
    assert left.level is Isolation.WITH_LOOPBACK
    assert "Bad file descriptor" in left.missing
    assert left.sandbox is not None
    assert left.sandbox.open_ports is None


def test_loopback_that_cannot_be_shut_stops_a_worker_that_was_told_to(unguarded: Choice) -> None:
    with pytest.raises(IsolationMissing, match="TRUELINE_LOOPBACK=closed does not work") as caught:
        shut_loopback(unguarded, settings(loopback="closed"))
    assert "TRUELINE_LOOPBACK=open" in caught.value.advice


def test_loopback_is_left_open_where_that_was_asked_for(choice: Choice) -> None:
    left = shut_loopback(choice, settings(loopback="open"))
    assert (left.level, left.missing) == (Isolation.WITH_LOOPBACK, "TRUELINE_LOOPBACK=open")
    assert left.sandbox == choice.sandbox


def test_without_a_sandbox_nothing_is_shut_and_nothing_promised() -> None:
    process = choose_isolation("process")
    assert shut_loopback(process, settings()) == process
    with pytest.raises(IsolationMissing, match="there is no sandbox"):
        shut_loopback(process, settings(loopback="closed"))


@pytest.mark.parametrize("ports", ["http", "0", "65536", "-1", "80;81", "²"])
def test_what_is_no_port_is_refused_with_advice(choice: Choice, ports: str) -> None:
    with pytest.raises(SettingsError, match="TRUELINE_LOOPBACK_PORTS") as caught:
        shut_loopback(choice, settings(loopback_ports=ports))
    assert "commas" in caught.value.advice


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8340", "http://localhost:8340", "http://[::1]:8340"]
)
def test_port_of_the_api_is_never_opened(choice: Choice, url: str) -> None:
    with pytest.raises(SettingsError, match="8340 is where the API listens") as caught:
        shut_loopback(choice, settings(loopback_ports="8340", api_url=url))
    assert "configs of all jobs" in caught.value.advice


@pytest.mark.parametrize(
    "private", ["127.0.0.1", "127.0.0.0/8", "10.0.0.1, 127.0.0.1:8340", "[::1]:8340", "::/0"]
)
def test_declared_hosts_never_lead_to_the_api(choice: Choice, private: str) -> None:
    given = settings(egress="declared", egress_private=private, api_url="http://localhost:8340")
    with pytest.raises(SettingsError, match="8340, where the API listens") as caught:
        shut_loopback(choice, given)
    assert "127.0.0.1:8443" in caught.value.advice


def test_declared_hosts_may_lead_to_other_ports_beside_the_api(choice: Choice) -> None:
    private = "127.0.0.1:8443, 10.0.0.0/8, [::1]:8443"
    given = settings(egress="declared", egress_private=private)
    assert shut_loopback(choice, given).level is Isolation.SANDBOX


def test_port_of_an_api_elsewhere_may_be_opened(choice: Choice) -> None:
    given = settings(loopback_ports="8340", api_url="http://api.example.com:8340")
    assert shut_loopback(choice, given).level is Isolation.SANDBOX
