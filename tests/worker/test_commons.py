"""What jobs share, through real jobs: at each level, warm and fresh, with tasks side by side."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from utils.child_start import CHILD_FDS
from utils.errors import SettingsError
from utils.job_child import LINE
from utils.settings import Settings
from worker.commons import Commons, NotShared, scope_of
from worker.execution import JobOrder, Prepared, ProcessExecutor, StopSignal, WarmLimits
from worker.isolation import IsolationMissing, choose_isolation
from worker.launcher import Launcher

ENTRY = """
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    parallel_tasks = 4
"""
TASKS = """
import os
import sys
from utils.decorators import task
from utils.token_bucket import Pace

def look(ctx):
    made = []
    seen = ctx.cache.get("note")
    kept = ctx.cache.get_or_compute("kept", lambda: made.append(1) or {"v": 1}, 600)
    headers = {"Authorization": "Bearer " + ctx.config["token"]}
    client = ctx.http("http://127.0.0.1:1/", headers=headers, pace=Pace(8, 0.0001))
    limit = client._setup.options.limit
    granted = 0
    while limit.reserve(0) is not None:
        granted += 1
    ctx.cache.set("note", os.getpid(), 600)
    assert kept == {"v": 1}
    return {"data": {"made": len(made), "seen": seen is not None, "granted": granted}}


@task(name="one", title="One")
def one(self, ctx):
    return look(ctx)


@task(name="two", title="Two")
def two(self, ctx):
    ctx.cache.set("large", "x" * 3_000_000, 60)
    assert len(ctx.cache.get("large")) == 3_000_000
    assert ctx.cache.drop("larg*") == 1
    return look(ctx)
"""
LIES = (
    b"no JSON\n",
    b"[]\n",
    b'{"do": "get"}\n',
    b'{"do": "get", "key": "k", "integration": "second"}\n',
    b'{"do": "reserve", "name": "short", "capacity": 1, "refill": 1, "longest": 1}\n',
    b'{"do": "set", "key": "k", "value": "1", "ttl": NaN}\n',
    b'{"do": "claim", "key": "k", "seconds": 1e999}\n',
    b"[" * 100_000 + b"\n",
)
Shares = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path / "data"})


@pytest.fixture
def commons(settings: Settings) -> Iterator[Commons]:
    with closing(Commons.start(settings)) as started:
        yield started


@pytest.fixture(params=["process", "sandbox"])
def shares(
    request: pytest.FixtureRequest,
    launcher: Launcher,
    settings: Settings,
    commons: Commons,
    tmp_path: Path,
    warm_limits: WarmLimits,
    prepare: Callable[..., Prepared],
) -> Iterator[Shares]:
    """Run a job of an integration, and return what its tasks found, in all."""
    try:
        host = choose_isolation(request.param).host(launcher, settings, {})
    except IsolationMissing as missing:
        pytest.skip(missing.reason)
    executor = ProcessExecutor(replace(host, commons=commons), tmp_path / "jobs", warm_limits)

    def run(integration: str = "first", **config: Any) -> dict[str, Any]:
        folder = tmp_path / "snapshot" / "integrations" / integration
        (folder / "collectors").mkdir(parents=True, exist_ok=True)
        (folder / "entry.py").write_text(ENTRY)
        (folder / "collectors" / "tasks.py").write_text(TASKS)
        events: list[dict[str, Any]] = []
        order = JobOrder("job", 1, integration, {"token": "t", **config})
        prepared = prepare(integration, tmp_path / "snapshot")
        end = executor.run(order, prepared, events.append, StopSignal())
        assert end.status == "success", events
        results = [event["result"]["data"] for event in events if event["type"] == "task_finished"]
        printed = "".join(event["text"] for event in events if event["type"] == "output")
        return {
            "made": sum(one["made"] for one in results),
            "seen": all(one["seen"] for one in results),
            "granted": sum(one["granted"] for one in results),
            "printed": printed,
        }

    with closing(executor):
        yield run


def test_jobs_share_what_their_integration_keeps_and_their_credential_may(shares: Shares) -> None:
    first = shares(org="a")
    assert (first["made"], first["granted"], first["printed"]) == (1, 8, "")
    second = shares(org="a")
    assert (second["made"], second["seen"], second["granted"]) == (0, True, 0)
    # Another config is another view of the remote, and the same credential the same limit.
    other = shares(org="b")
    assert (other["made"], other["granted"]) == (1, 0)
    foreign = shares("second", org="a")
    assert (foreign["made"], foreign["granted"]) == (1, 0)
    assert shares(token="u")["granted"] == 8


@pytest.mark.parametrize("shares", ["sandbox"], indirect=True)
def test_jobs_go_on_with_their_own_when_it_is_lost_and_share_again(
    shares: Shares, commons: Commons
) -> None:
    assert shares()["granted"] == 8
    pid = commons.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    commons._start_at = float("inf")  # it may not be started again yet
    lost = shares()
    assert (lost["made"], lost["granted"]) == (1, 8)
    assert lost["printed"].count("what jobs share is out of reach") == 1
    commons._start_at = float("-inf")
    again = shares()
    assert commons.pid != pid
    assert (again["made"], again["granted"], again["printed"]) == (0, 8, "")


def test_the_places_of_a_line_agree() -> None:
    assert CHILD_FDS[-1] == LINE


def test_who_has_another_config_has_another_scope() -> None:
    assert scope_of({"a": 1, "b": 2}) == scope_of({"b": 2, "a": 1})
    assert len({scope_of({}), scope_of({"a": 1}), scope_of({"a": "1"})}) == 3
    assert NotShared().line("any", {}) is None


def ask(line: socket.socket, **request: Any) -> Any:
    line.sendall(json.dumps(request).encode() + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        piece = line.recv(65536)
        if not piece:
            return None
        answer += piece
    return json.loads(answer)


@pytest.fixture
def line(commons: Commons) -> Iterator[Callable[..., socket.socket]]:
    made: list[socket.socket] = []

    def connect(integration: str = "first", config: Mapping[str, Any] | None = None) -> Any:
        one = commons.line(integration, config or {})
        assert one is not None
        one.settimeout(20)
        made.append(one)
        return one

    yield connect
    for one in made:
        one.close()


def test_an_integration_reads_its_own_alone(line: Callable[..., socket.socket]) -> None:
    assert ask(line(), do="set", key="k", value="1", ttl=60) == {"kept": True}
    assert ask(line(), do="get", key="k") == {"value": "1"}
    for other in (line("second"), line("first", {"a": 1})):
        assert ask(other, do="get", key="k") == {"value": None}
        assert ask(other, do="keys", after="") == {"keys": []}
        assert ask(other, do="drop", keys=["k"]) == {"dropped": 0}


def test_nonsense_is_answered_and_the_line_goes_on(line: Callable[..., socket.socket]) -> None:
    one = line()
    for lie in LIES:
        one.sendall(lie)
        assert b"makes no sense" in one.recv(65536), lie
        assert ask(one, do="get", key="k") == {"value": None}, lie


def test_a_request_without_end_costs_its_line_alone(
    commons: Commons, line: Callable[..., socket.socket]
) -> None:
    greedy, other = line(), line("second")
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        greedy.sendall(b"x" * 100_000_000)
    assert ask(other, do="get", key="k") == {"value": None}
    status = Path(f"/proc/{commons.pid}/status").read_text()
    assert int(status.partition("VmRSS:")[2].split()[0]) < 200_000


def test_who_takes_no_answers_holds_up_nobody(line: Callable[..., socket.socket]) -> None:
    silent, other = line(), line("second")
    assert ask(silent, do="set", key="k", value="x" * 900_000, ttl=60) == {"kept": True}
    silent.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.sendall(b'{"do": "get", "key": "k"}\n' * 1_000_000)
    assert ask(other, do="get", key="k") == {"value": None}


def test_claims_of_a_job_that_is_gone_are_free(line: Callable[..., socket.socket]) -> None:
    first, second = line(), line()
    assert ask(first, do="claim", key="k", seconds=3600)["token"]
    assert ask(second, do="claim", key="k", seconds=3600) == {"token": None}
    first.close()
    while not ask(second, do="claim", key="k", seconds=3600)["token"]:
        pass


def test_values_outlive_the_process_and_are_its_users_alone(
    settings: Settings, commons: Commons, line: Callable[..., socket.socket]
) -> None:
    assert ask(line(), do="set", key="k", value="1", ttl=60) == {"kept": True}
    commons.close()
    folder = settings.data_dir / "commons"
    assert folder.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    with closing(Commons.start(settings)) as again:
        one = again.line("first", {})
        assert one is not None
        with one:
            assert ask(one, do="get", key="k") == {"value": "1"}


def test_a_url_file_that_cannot_be_read_is_told(settings: Settings, tmp_path: Path) -> None:
    missing = settings.model_copy(update={"redis_url_file": tmp_path / "missing"})
    with pytest.raises(SettingsError, match="TRUELINE_REDIS_URL_FILE"):
        Commons.start(missing)
