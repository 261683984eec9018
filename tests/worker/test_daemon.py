from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests import preloaded
from worker.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.worker.conftest import Asked, Eventually, Said, ScriptedApi, SmallSource


class Daemon:
    """`python -m worker` on a data directory of a test."""

    def __init__(self, home: Path, before: Sequence[str | Path] = (), **settings: str) -> None:
        home.mkdir(exist_ok=True)
        self.log_path = home / "worker.log"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUELINE_")}
        given = {f"TRUELINE_{name.upper()}": value for name, value in settings.items()}
        given |= {"TRUELINE_DATA_DIR": str(home / "data"), "TRUELINE_LOG_FORMAT": "json"}
        with self.log_path.open("wb") as log:
            self.process = _started(before, {**environ, **given}, home, log)

    def entries(self, event: str) -> list[dict[str, Any]]:
        lines = self.log_path.read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [entry for entry in entries if entry["event"] == event]

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


def _started(
    before: Sequence[str | Path], environ: Mapping[str, str], home: Path, log: IO[bytes]
) -> preloaded.Started:
    if not before:
        return preloaded.start("worker", environ, home, log)
    command = [*before, sys.executable, "-m", "worker"]
    return subprocess.Popen(command, cwd=home, env=environ, stderr=log)


Start = Callable[..., Daemon]
LOOPBACK = {"name": "loopback", "role": "admin", "token_id": None}
BAD_VAULT = {
    "source_url": "https://source.test/x.git",
    "vault_addr": "https://vault.test",
    "vault_token_file": "token",
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Daemon] = []

    def start(before: Sequence[str | Path] = (), **settings: str) -> Daemon:
        daemon = Daemon(tmp_path / f"home-{len(started)}", before, **settings)
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        daemon.process.kill()
        daemon.process.wait(30)


@pytest.fixture
def api(scripted_api: ScriptedApi, said: type[Said]) -> ScriptedApi:
    """An API that is alive, has no jobs and takes every catalogue."""

    def take(asked: Asked) -> Said:
        names = [it["name"] for it in asked.body["integrations"]]
        return said(body={"known": names, "unknown": []})

    scripted_api.say("/api/v1/me", said(body=LOOPBACK))
    scripted_api.say("/api/v1/leases", said(body={"leases": []}))
    scripted_api.say("/api/v1/ticks", said(body={}))
    scripted_api.answers["/api/v1/catalogue"] = take
    return scripted_api


def test_start_and_end_are_in_order_and_logged(
    start: Start, api: ScriptedApi, small_source: SmallSource, eventually: Eventually
) -> None:
    commit = small_source.push("[]")

    daemon = start(api_url=api.url, source_url=str(small_source.path))
    eventually(lambda: daemon.entries("worker ready"))

    assert [entry["step"] for entry in daemon.entries("start step")] == [
        "isolation",
        "data directory",
        "references to secrets",
        "launcher",
        "outbox",
        "api",
        "source",
        "manifest",
        "environments",
        "catalogue",
        "schedule and consumers",
    ]
    assert daemon.entries("commit taken")[0]["commit"] == commit
    said = daemon.log_path.parent / "data" / "worker.json"
    eventually(said.exists)
    assert daemon.end() == 0
    assert daemon.entries("worker stopped")
    assert not said.exists()
    asked = [asked.path for asked in api.asked]
    assert asked[0] == "/api/v1/me"
    assert asked.index("/api/v1/catalogue") < asked.index("/api/v1/leases")


def test_api_that_is_not_up_yet_is_waited_for(
    start: Start,
    api: ScriptedApi,
    said: type[Said],
    small_source: SmallSource,
    eventually: Eventually,
) -> None:
    small_source.push("[]")
    api.say("/api/v1/me", said(503), said(503), said(body=LOOPBACK))

    daemon = start(api_url=api.url, source_url=str(small_source.path))

    eventually(lambda: daemon.entries("worker ready"))
    assert len(daemon.entries("waiting for the API")) == 1


def test_source_that_was_never_reached_is_waited_for_and_the_api_is_told_why(
    start: Start, api: ScriptedApi, small_source: SmallSource, eventually: Eventually
) -> None:
    small_source.push("[]")
    away = small_source.path.with_name("away")
    small_source.path.rename(away)
    daemon = start(api_url=api.url, source_url=str(small_source.path))
    eventually(lambda: api.bodies("/api/v1/catalogue"))
    told = api.bodies("/api/v1/catalogue")[0]
    assert (told["commit"], told["source"]["state"]) == (None, "degraded")
    assert told["source"]["problem"]["reason"]

    away.rename(small_source.path)

    eventually(lambda: daemon.entries("worker ready"))


def test_second_worker_on_a_data_directory_is_refused(
    start: Start,
    api: ScriptedApi,
    small_source: SmallSource,
    eventually: Eventually,
    tmp_path: Path,
) -> None:
    small_source.push("[]")
    first = start(api_url=api.url, source_url=str(small_source.path))
    eventually(lambda: first.entries("worker ready"))

    second = Daemon(tmp_path / "home-0", api_url=api.url, source_url=str(small_source.path))

    assert second.process.wait(60) == 3
    (said,) = second.entries("worker cannot run")
    assert f"process {first.process.pid}" in said["reason"]
    assert "TRUELINE_DATA_DIR" in said["advice"]


def test_interrupt_from_the_terminal_ends_it_in_order(
    start: Start, api: ScriptedApi, small_source: SmallSource, eventually: Eventually
) -> None:
    small_source.push("[]")
    daemon = start(api_url=api.url, source_url=str(small_source.path))
    eventually(lambda: daemon.entries("worker ready"))

    daemon.process.send_signal(signal.SIGINT)

    assert daemon.process.wait(60) == 0


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"lease_second": "3"}, 2, "did you mean 'TRUELINE_LEASE_SECONDS'"),
        ({"concurrency": "none"}, 2, "TRUELINE_CONCURRENCY"),
        ({"source_url": "ext::sh -c true"}, 2, "ext"),
        ({"source_url": "/nowhere", "source_ref": "a..b"}, 2, "TRUELINE_SOURCE_REF"),
        (BAD_VAULT | {"vault_addr": "http://vault.test"}, 2, "TRUELINE_VAULT_ADDR"),
        (BAD_VAULT | {"vault_token_file": ""}, 2, "TRUELINE_VAULT_TOKEN_FILE"),
    ],
)
def test_wrong_setting_is_one_clear_line(
    start: Start, api: ScriptedApi, settings: dict[str, str], code: int, words: str
) -> None:
    daemon = start(**{"api_url": api.url, **settings})

    assert daemon.process.wait(60) == code

    log = daemon.log_path.read_text()
    assert words in log
    assert "Traceback" not in log


def test_secrets_that_cannot_be_fetched_are_told_and_do_not_stop_the_start(
    start: Start, api: ScriptedApi, small_source: SmallSource, eventually: Eventually
) -> None:
    small_source.push("[]")
    file = small_source.path.with_name("allowed.json")
    file.write_text("{")
    daemon = start(api_url=api.url, source_url=str(small_source.path), references_file=str(file))
    eventually(lambda: daemon.entries("worker ready"))
    (said,) = daemon.entries("secrets cannot be fetched")
    assert (str(file) in said["reason"], bool(said["advice"])) == (True, True)


def test_sandbox_that_is_asked_for_and_missing_is_refused_with_advice(
    start: Start, small_source: SmallSource
) -> None:
    bubblewrap = Sandbox.find().bubblewrap
    no_namespaces = [bubblewrap, "--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "--"]
    daemon = start(no_namespaces, isolation="sandbox", source_url=str(small_source.path))

    assert daemon.process.wait(60) == 2

    (said,) = daemon.entries("worker cannot run")
    assert "isolation 'sandbox' was asked for: no sandbox works here" in said["reason"]
    assert "TRUELINE_ISOLATION=process" in said["advice"]


def test_worker_whose_token_is_refused_says_so_once_and_goes_on_when_it_is_taken(
    start: Start,
    api: ScriptedApi,
    said: type[Said],
    small_source: SmallSource,
    eventually: Eventually,
) -> None:
    small_source.push("[]")
    problem = {"detail": "the token was revoked", "advice": "an admin makes it"}
    api.say("/api/v1/me", said(401, problem), said(401, problem), said(body=LOOPBACK))

    daemon = start(api_url=api.url, source_url=str(small_source.path), token="canary-token")

    eventually(lambda: daemon.entries("worker ready"))
    (waiting,) = daemon.entries("waiting for the API")
    assert "the token was revoked" in waiting["reason"]
    assert waiting["advice"] == "an admin makes it"
    assert "canary-token" not in daemon.log_path.read_text()
