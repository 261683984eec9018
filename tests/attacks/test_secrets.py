"""What a plugin can read: nothing of the worker's, of other jobs, of the host."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.stop_signal import StopSignal

Prison = Any
Eventually = Callable[[Callable[[], object]], None]


def test_workers_files_do_not_show(prison: Prison, canary: str) -> None:
    names = ("secret.key", "trueline.db", "outbox.db-wal", "source/mirror", "token", "jobs", ".")
    paths = [str(prison.data / name) for name in names]
    seen = prison.attack("read", paths=paths).data
    assert canary not in json.dumps(seen)
    assert {seen[path] for path in paths[:5]} == {"ENOENT"}


def test_homes_and_system_secrets_do_not_show(prison: Prison) -> None:
    paths = ["/root", "/home", "/etc/shadow", "/etc/ssh", "/var", "/run", "/sys", "/boot", "/mnt"]
    shown = prison.attack("read", paths=paths).data
    python = Path(os.path.realpath(prison.environment.python)).parts
    for path, seen in shown.items():
        parts = Path(path).parts
        if python[: len(parts)] == parts:  # the interpreter may lie there, and nothing else shows
            assert seen in ([python[len(parts)]], "EACCES")
        else:
            assert seen in {"ENOENT", "EACCES"}, path


def test_files_beside_a_local_source_do_not_show(prison: Prison, source: Path, canary: str) -> None:
    seen = prison.attack("read", paths=[str(source / "not-committed"), str(source)]).data
    assert canary not in json.dumps(seen)
    assert seen[str(source)] in ([".git"], "EACCES")


def test_workers_variables_and_arguments_do_not_show(prison: Prison, canary: str) -> None:
    seen = prison.attack("surroundings").data
    assert canary not in json.dumps(seen)
    named = {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PWD", "HTTPS_PROXY"}
    assert set(seen["variables"]) <= named
    assert len(seen["arguments"]) == 1


def test_no_process_can_be_looked_into(prison: Prison) -> None:
    pids = [os.getpid(), prison.launcher.pid]
    found = prison.attack("look_into_processes", pids=pids).data
    for pid, seen in found.items():
        listing = seen.pop("fd")  # numbers alone: what they lead to is refused
        assert isinstance(listing, list) or listing in {"EACCES", "ENOENT"}
        assert set(seen.values()) <= {"EACCES", "EPERM", "ENOENT", "ESRCH"}, pid
    inside = [pid for pid, seen in found.items() if seen["environ"] != "ENOENT"]
    assert all(int(pid) < 20 for pid in inside)


def test_sealed_process_has_no_rights_left(prison: Prison) -> None:
    status = prison.attack("surroundings").data["status"]
    assert {
        status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh")
    } == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


@pytest.fixture
def held_job(prison: Prison, eventually: Eventually, canary: str) -> Iterator[dict[str, Any]]:
    """Run a job of the same integration that keeps a secret, until the test is over."""
    stop = StopSignal()
    said: list[str] = []

    def listen(event: dict[str, Any]) -> None:
        if event["type"] == "output":
            said.append(event["text"])

    thread = threading.Thread(
        target=lambda: prison.attack("wait", stop=stop, listen=listen, secret=canary)
    )
    thread.start()
    eventually(lambda: "ready" in "".join(said) and "\n" in "".join(said))
    _, own, helper, folder = "".join(said).split()
    yield {"pids": [int(own), int(helper)], "folder": folder}
    stop.request("cancelled")
    thread.join()


def test_sibling_of_the_same_integration_is_out_of_reach(
    prison: Prison, held_job: dict[str, Any], canary: str
) -> None:
    # In a sandbox of its own the attacker would hit itself by these numbers.
    pids = held_job["pids"] if prison.is_warm else []
    seen = prison.attack("spoil_a_sibling", folder=held_job["folder"], pids=pids).data
    assert canary not in json.dumps(seen)
    refused = {"EACCES", "EPERM", "ENOENT", "ESRCH", "EROFS"}
    assert set(seen["write"].values()) <= refused
    assert set(seen["read"].values()) <= refused
    if prison.is_warm:
        assert set(seen["signals"].values()) == {"EPERM"}
        for answers in seen["told"].values():
            answers.pop("fd")
            assert set(answers.values()) <= {"EACCES", "EPERM", "ENOENT"}
    assert (Path(held_job["folder"]) / "inner" / "secret").read_text() == canary


def test_next_job_finds_nothing_of_the_one_before(prison: Prison) -> None:
    kept = ["/dev/shm/left", "/tmp/left", "left"]
    prison.attack("write", paths=kept)
    seen = prison.attack("read", paths=["/dev/shm", "/tmp", "."]).data
    assert seen["."] == ["home", "tmp"]
    assert "left" not in seen["/tmp"]
    assert "left" not in seen["/dev/shm"]


def test_sockets_of_the_host_are_out_of_reach(prison: Prison, tmp_path: Path) -> None:
    abstract = f"trueline-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        one.bind(f"\0{abstract}")
        one.listen()
        path = Path(os.path.relpath(tmp_path / "socket"))
        other.bind(str(path))
        other.listen()
        seen = prison.attack("escape", abstract=abstract, socket=str(path.absolute())).data
    assert seen["abstract socket"] == "EACCES"
    assert seen["socket of the host"] in {"ENOENT", "EACCES"}
