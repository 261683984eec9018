"""Settings that cannot be used: each process says which, why and what to do, in one line or two."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import preloaded

if TYPE_CHECKING:
    from tests.bad_input.conftest import RunCommand, Scene

NOWHERE = "file:///no/such/repository"
WAIT_SECONDS = 30
# What is wrong: variable and value, and what is told of it.
UNUSABLE = {
    "unknown": (
        {"TRUELINE_SOURCE_URLL": "x"},
        "unknown setting TRUELINE_SOURCE_URLL (did you mean 'TRUELINE_SOURCE_URL'?)",
        "docs/operating.md",
    ),
    "number": (
        {"TRUELINE_CONCURRENCY": "many"},
        "setting TRUELINE_CONCURRENCY: 'many' cannot be used",
        "correct TRUELINE_CONCURRENCY or unset it",
    ),
    "range": (
        {"TRUELINE_API_PORT": "70000"},
        "setting TRUELINE_API_PORT: '70000' cannot be used",
        "correct TRUELINE_API_PORT or unset it",
    ),
    "choice": (
        {"TRUELINE_LOG_FORMAT": "xml"},
        "setting TRUELINE_LOG_FORMAT: 'xml' cannot be used",
        "correct TRUELINE_LOG_FORMAT or unset it",
    ),
    "address": (
        {"TRUELINE_API_URL": "127.0.0.1:8340"},
        "setting TRUELINE_API_URL: '127.0.0.1:8340' is not an http address",
        "give it as http://127.0.0.1:8340",
    ),
}
DIRECTORY = ("cannot be used: Not a directory", "set TRUELINE_DATA_DIR to another directory")

Launch = Callable[..., preloaded.Started]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start a process of ours with settings of its own; what still runs at the end is killed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    mine = {
        "TRUELINE_DATA_DIR": str(tmp_path / "data"),
        "TRUELINE_API_PORT": "0",
        "TRUELINE_API_URL": "http://127.0.0.1:9",
        "TRUELINE_SOURCE_URL": NOWHERE,
        "NO_COLOR": "1",
    }
    started: list[preloaded.Started] = []

    def start(name: str, **settings: str) -> preloaded.Started:
        with (tmp_path / "said").open("wb") as said:
            process = preloaded.start(name, kept | mine | settings, tmp_path, said)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def said(tmp_path: Path) -> Callable[[], str]:
    """Return what the launched process said so far."""
    return (tmp_path / "said").read_text


def until_told(said: Callable[[], str], words: str) -> str:
    end = time.monotonic() + WAIT_SECONDS
    while words not in (text := said()):
        assert time.monotonic() < end, text
        time.sleep(0.02)
    return text


def check_told(text: str, reason: str, advice: str) -> None:
    """Each stands there once, in at most two lines, and no traceback."""
    assert text.count(reason) == 1, text
    assert text.count(advice) == 1, text
    assert "Traceback" not in text
    assert len(text.splitlines()) <= 2, text


@pytest.mark.parametrize("name", ["api", "worker"])
@pytest.mark.parametrize("kind", UNUSABLE)
def test_unusable_setting_ends_each_process_with_2(
    launch: Launch, said: Callable[[], str], name: str, kind: str
) -> None:
    settings, reason, advice = UNUSABLE[kind]

    assert launch(name, **settings).wait(WAIT_SECONDS) == 2

    check_told(said(), reason, advice)


@pytest.mark.parametrize("kind", UNUSABLE)
def test_unusable_setting_ends_the_command_with_2(
    trueline: RunCommand, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings, reason, advice = UNUSABLE[kind]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    ran = trueline("init")

    assert (ran.code, ran.out) == (2, "")
    check_told(ran.err, reason, advice)


@pytest.mark.parametrize("name", ["api", "worker"])
def test_data_directory_that_cannot_be_made_is_named(
    launch: Launch, said: Callable[[], str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("")

    process = launch(name, TRUELINE_DATA_DIR=str(tmp_path / "file" / "data"))

    assert process.wait(WAIT_SECONDS) == 2
    check_told(said(), str(tmp_path / "file" / "data"), DIRECTORY[1])
    assert DIRECTORY[0] in said()


def test_command_names_a_data_directory_that_cannot_be_made(
    trueline: RunCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path / "file" / "data"))

    for arguments in (("up",), ("run", "good")):
        ran = trueline(*arguments)
        assert ran.code == 2
        assert DIRECTORY[0] in ran.said
        assert DIRECTORY[1] in ran.said


def test_port_in_use_is_named_with_the_way_out(launch: Launch, said: Callable[[], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert launch("api", TRUELINE_API_PORT=str(port)).wait(WAIT_SECONDS) == 2

    check_told(said(), f"port {port} on 127.0.0.1 is in use", "set TRUELINE_API_PORT to another")


@pytest.mark.parametrize(
    ("settings", "reason", "advice"),
    [
        (
            {"TRUELINE_SOURCE_URL": "ftp://host/x"},
            "the transport 'ftp'",
            "give TRUELINE_SOURCE_URL",
        ),
        ({"TRUELINE_SOURCE_REF": "a..b"}, "'a..b' is not the name of a ref", "TRUELINE_SOURCE_REF"),
        ({"TRUELINE_SOURCE_URL": ""}, "no source is set", "give TRUELINE_SOURCE_URL"),
    ],
    ids=["transport", "ref", "none"],
)
def test_source_that_cannot_be_one_ends_the_worker_at_once(
    launch: Launch, said: Callable[[], str], settings: dict[str, str], reason: str, advice: str
) -> None:
    assert launch("worker", **settings).wait(WAIT_SECONDS) == 2

    check_told(said(), reason, advice)


def test_worker_without_an_api_waits_says_so_once_and_ends_in_order(
    launch: Launch, said: Callable[[], str]
) -> None:
    process = launch("worker")
    text = until_told(said, "waiting for the API")
    process.send_signal(signal.SIGTERM)

    assert process.wait(WAIT_SECONDS) == 0
    assert "the API at http://127.0.0.1:9 cannot be reached" in text
    assert "start it, or correct TRUELINE_API_URL" in text
    assert "Traceback" not in said()


def test_command_without_an_api_says_how_to_start_one(
    trueline: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELINE_API_URL", "http://127.0.0.1:9")

    ran = trueline("init")

    assert (ran.code, ran.out) == (3, "")
    check_told(ran.err, "no API answers at http://127.0.0.1:9", "start one with `trueline up`")


def test_worker_whose_source_is_unreachable_goes_on_looking_and_says_why(
    scene: Scene, launch: Launch, said: Callable[[], str]
) -> None:
    process = launch("worker", TRUELINE_API_URL=scene.address)
    text = until_told(said, "source degraded")
    process.send_signal(signal.SIGTERM)

    assert process.wait(WAIT_SECONDS) == 0
    assert "there is no such repository" in text
    assert "check TRUELINE_SOURCE_URL" in text
    scene.check_good()


def test_worker_whose_ref_does_not_exist_goes_on_looking_and_says_why(
    scene: Scene, launch: Launch, said: Callable[[], str]
) -> None:
    process = launch(
        "worker",
        TRUELINE_API_URL=scene.address,
        TRUELINE_SOURCE_URL=scene.repository.path.as_uri(),
        TRUELINE_SOURCE_REF="mian",
    )
    text = until_told(said, "source degraded")
    process.send_signal(signal.SIGTERM)

    assert process.wait(WAIT_SECONDS) == 0
    assert "mian" in text
    assert "set TRUELINE_SOURCE_REF to a branch, tag or full commit id" in text
    scene.check_good()


def test_init_of_an_unreachable_source_is_told_by_api_and_command(
    scene: Scene,
    launch: Launch,
    trueline: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    launch("api")
    address_file = tmp_path / "data" / "api.address"
    scene.wait_for(address_file.exists)
    address = address_file.read_text().strip()
    monkeypatch.setenv("TRUELINE_API_URL", address)

    answer = scene.ask("POST", f"{address}/init-integrations")
    ran = trueline("init")

    assert answer.status_code == 502
    problem = answer.json()
    assert NOWHERE in problem["detail"]
    assert "check TRUELINE_SOURCE_URL" in problem["advice"]
    assert ran.code == 3
    assert NOWHERE in ran.said
    assert "check TRUELINE_SOURCE_URL" in ran.said
    scene.check_good()
