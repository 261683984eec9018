import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from utils.egress import DESK, VARIABLE
from worker import egress, side_process
from worker.egress import DeclaredPassage, DeclaredWays, OpenWays, ProxyGone, held, without_proxies
from worker.environment import Environment
from worker.job_order import Prepared


@pytest.fixture
def ways(tmp_path: Path) -> Iterator[DeclaredWays]:
    started = DeclaredWays.start(tmp_path / "egress", "")
    yield started
    started.close()


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    environment = Environment.at(tmp_path / "environment")
    return Prepared("tool", "c" * 40, tmp_path, environment, {}, ("a.example",))


def test_open_way_tells_nothing_and_records_nothing(prepared: Prepared) -> None:
    ways = OpenWays()
    passage = ways.passage(prepared)
    assert (passage.variables(), passage.end()) == ({}, None)
    ways.close()


def test_child_is_told_the_folder_and_a_ticket_of_its_own(
    ways: DeclaredWays, prepared: Prepared
) -> None:
    passage = ways.passage(prepared)
    first, second = (json.loads(passage.variables()[VARIABLE]) for _ in range(2))
    assert first["folder"] == second["folder"] == str(ways.folder)
    assert first["ticket"] != second["ticket"]
    assert first["hosts"] == ["a.example"]
    event = passage.end()
    assert event == {
        "type": "network",
        "egress": "declared",
        "hosts": ("a.example",),
        "reached": [],
        "omitted": 0,
        "complete": True,
    }
    assert passage.end() is None, "it is told once"


def test_job_that_breaks_off_leaves_nothing_at_the_proxy(
    ways: DeclaredWays, prepared: Prepared
) -> None:
    passage = DeclaredPassage(ways, prepared)
    passage.variables()
    with suppress(ZeroDivisionError), held(passage):
        raise ZeroDivisionError
    assert ways.ask({"do": "end", "job": passage._job})["known"] is False


def test_folder_is_private_and_goes_at_the_end(tmp_path: Path) -> None:
    ways = DeclaredWays.start(tmp_path / "egress", "")
    assert ways.folder.stat().st_mode & 0o077 == 0
    assert (ways.folder / DESK).is_socket()
    pid = ways.pid
    ways.close()
    assert not ways.folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_start_removes_what_a_killed_worker_left_and_nothing_in_use(
    tmp_path: Path, ways: DeclaredWays
) -> None:
    left = tmp_path / "egress" / "left"
    left.mkdir()
    (left / DESK).touch()
    another = DeclaredWays.start(tmp_path / "egress", "")
    assert not left.exists()
    assert (ways.folder / DESK).exists()
    another.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_proxy_that_is_gone_or_silent_is_replaced(
    ways: DeclaredWays,
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(egress, "ANSWER_SECONDS", 5.0)
    os.kill(ways.pid, signal.SIGKILL)
    passage = ways.passage(prepared)
    passage.variables()
    before = ways.pid
    os.kill(before, number)
    event = passage.end()
    assert event is not None
    assert event["complete"] is False, "its counts were lost"
    assert ways.pid != before
    assert (ways.folder / DESK).is_socket()


def test_proxy_that_does_not_start_is_a_clear_error(
    ways: DeclaredWays, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_process, "_BOOT", "raise SystemExit(1)")
    os.kill(ways.pid, signal.SIGKILL)
    with pytest.raises(ProxyGone, match="does not start") as caught:
        ways.passage(prepared).variables()
    assert "TRUELINE_EGRESS=open" in caught.value.advice


def test_jobs_without_declared_hosts_are_told_apart_from_those_with_none(
    ways: DeclaredWays, prepared: Prepared
) -> None:
    for hosts in (None, ()):
        passage = ways.passage(replace(prepared, hosts=hosts))
        passage.variables()
        event = passage.end()
        assert event is not None
        assert event["hosts"] == hosts


def test_workers_own_proxies_are_taken_out() -> None:
    environ = {"HTTPS_PROXY": "x", "no_proxy": "y", "SSL_CERT_FILE": "z"}
    assert without_proxies(environ, ("https_proxy", "no_proxy")) == {"SSL_CERT_FILE": "z"}
