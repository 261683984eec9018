"""What a plugin reaches of this machine over sockets: what its operator named, and nothing else."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from utils.process_tree import descendants, read_process_table

Prison = Any
Eventually = Callable[[Callable[[], object]], None]
REFUSED = {"EACCES", "EPERM"}
# Refused by the filter or by the kernel, before anyone has to judge.
IMPOSSIBLE = {
    "an address that ends early": "EINVAL",
    "unspecified family": "EAFNOSUPPORT",
    "fast open": "ENOTSUP",
    "fast open by a message": "ENOTSUP",
    "SCTP": "EPROTONOSUPPORT",
    "MPTCP": "EPROTONOSUPPORT",
    "diagnosis": "EPROTONOSUPPORT",
}


@dataclass
class Servers:
    """A TCP and a UDP server at the same port, on each address of this machine."""

    tcp: socket.socket
    udp: socket.socket
    accepted: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.tcp.getsockname()[1])

    @property
    def were_reached(self) -> bool:
        """Whether anybody connected, or any datagram came."""
        with contextlib.suppress(BlockingIOError):
            self.tcp.accept()[0].close()
            return True
        with contextlib.suppress(BlockingIOError):
            return bool(self.udp.recv(100))
        return False


@pytest.fixture
def shut() -> Iterator[Servers]:
    """Servers that jobs must not reach."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(
            socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        )
        udp = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.bind(("", tcp.getsockname()[1]))
        for one in (tcp, udp):
            one.setblocking(False)
        yield Servers(tcp, udp)


@pytest.fixture
def echo() -> Iterator[int]:
    """A server of this machine that says what it hears, for jobs that may reach it."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        thread = threading.Thread(target=serve_echo, args=(server,))
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def serve_echo(server: socket.socket) -> None:
    def answer(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while said := client.recv(65536):
                client.sendall(said)

    threads = []
    with contextlib.suppress(OSError):
        while True:
            threads.append(threading.Thread(target=answer, args=(server.accept()[0],)))
            threads[-1].start()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The real API, on loopback and without tokens."""
    home = tmp_path_factory.mktemp("api")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    settings = {"TRUELINE_DATA_DIR": str(home), "TRUELINE_API_PORT": str(port)}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            env={**kept, **settings, "TRUELINE_SOURCE_URL": home.as_uri()},
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def live_api(api: int, eventually: Eventually) -> int:
    def answers() -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"http://127.0.0.1:{api}/health/live", verify=False).is_success
        return False

    eventually(answers)
    return api


def test_api_is_out_of_reach(prison: Prison, live_api: int) -> None:
    job = prison.attack("ask_api", port=live_api)
    assert job.data == {"list": "EACCES", "lease": "EACCES"}


def test_api_is_in_reach_where_loopback_is_left_open(
    prison_with: Callable[..., Prison], live_api: int
) -> None:
    """The attack above is a real one."""
    job = prison_with(loopback="open").attack("ask_api", port=live_api)
    assert job.data == {"list": 200, "lease": 200}


def test_each_way_to_this_machine_is_shut(prison: Prison, shut: Servers) -> None:
    told = prison.attack("reach", port=shut.port).data
    for name, answer in IMPOSSIBLE.items():
        assert told.pop(name) == answer, name
    assert set(told.values()) <= REFUSED, told
    assert not shut.were_reached


def test_ways_are_real_where_loopback_is_left_open(
    prison_with: Callable[..., Prison], shut: Servers
) -> None:
    told = prison_with(loopback="open").attack("reach", port=shut.port).data
    ways = ("loopback", "any", "six", "mapped", "mapped by sendmsg", "six by sendmmsg", "fast open")
    assert {told[name] for name in ways} <= {"done", 5}
    assert shut.were_reached


def test_port_that_was_named_is_open_in_each_way(
    prison_with: Callable[..., Prison], shut: Servers
) -> None:
    told = prison_with(loopback_ports=f"{shut.port}, 1").attack("reach", port=shut.port).data
    open_ways = [f"{way}{kind}" for way in ("loopback", "any", "six", "mapped") for kind in SENDS]
    assert {told[way] for way in open_ways} == {"done"}, told
    closed = [name for name in told if "metadata" in name or name in {"multicast", "listening"}]
    assert {told[name] for name in closed} == {"EACCES"}


SENDS = ("", " by sendto", " by sendmsg", " by sendmmsg", " by a connected send")


def test_what_changes_while_it_is_judged_is_of_no_use(
    prison_with: Callable[..., Prison], shut: Servers, echo: int
) -> None:
    prison = prison_with(loopback_ports=str(echo))
    told = prison.attack("race", open=echo, shut=shut.port, seconds=3).data
    assert "done" in told["address"], told  # the race was one: some calls went where they may
    assert "done" in told["message"], told
    assert not shut.were_reached


def test_refusal_is_told_once_in_the_jobs_log(prison: Prison, shut: Servers) -> None:
    job = prison.attack("try_twice", port=shut.port)
    assert job.data == ["EACCES", "EACCES"]
    errors = [event["text"] for event in job.events if event.get("stream") == "stderr"]
    said = "".join(errors)
    assert said.count(f"not allowed: 127.0.0.1:{shut.port}: services of this machine") == 1
    assert "TRUELINE_LOOPBACK_PORTS" in said


def test_many_connections_at_once_are_made(prison_with: Callable[..., Prison], echo: int) -> None:
    prison = prison_with(loopback_ports=str(echo))
    assert prison.attack("connect_often", port=echo, count=200).data == {"hello": 200}


def test_honest_plugins_use_sockets_as_ever(prison_with: Callable[..., Prison], echo: int) -> None:
    found = prison_with(loopback_ports=str(echo)).attack("use_sockets", port=echo).data
    assert found == {
        "pair": "through",
        "stream": "hello\n",
        "manager": [1, 2],
        "datagram": ["one", "two"],
        "full server": "connected",
        "much": True,
        "resolver": True,
        "without waiting": ["Operation now in progress", 0, False],
        "asyncio": "hello",
        "in time": [True, [5, 0]],
    }


def test_task_that_waits_for_a_connection_is_stopped_at_its_deadline(
    prison_with: Callable[..., Prison], eventually: Eventually
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        prison = prison_with(task_timeout_seconds=1, loopback_ports=str(port))
        job = prison.attack("wait_in_connect", port=port)
        assert job.results["attack"]["status"] == "timeout"
        assert "TaskTimeout" in str(job.results["attack"]["errors"]), job.results["attack"]
        assert job.results["after"]["status"] == "success"
        eventually(lambda: not prison.processes())


def guards(prison: Prison) -> list[int]:
    """Return the children of bubblewraps that are forks of the launcher."""
    below = descendants(prison.launcher.pid, read_process_table())
    names = {one.pid: said_of(one.pid, "comm").strip() for one in below}
    launcher = said_of(prison.launcher.pid, "cmdline")
    return [
        one.pid
        for one in below
        if names.get(one.parent) == b"bwrap" and said_of(one.pid, "cmdline") == launcher
    ]


def said_of(pid: int, name: str) -> bytes:
    """Read of a process what it says about itself; nothing once it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def test_without_its_guard_a_job_reaches_nothing_and_the_next_one_has_another(
    prison_with: Callable[..., Prison], echo: int
) -> None:
    prison = prison_with(loopback_ports=str(echo))

    def kill_guard(event: dict[str, Any]) -> None:
        if event["type"] == "output" and "ready" in event["text"]:
            for pid in guards(prison):
                os.kill(pid, signal.SIGKILL)

    job = prison.attack("connect_until_that_fails", port=echo, listen=kill_guard)
    assert job.data == {"answer": "ENOSYS"}
    assert prison.attack("connect_often", port=echo, count=1).data == {"hello": 1}


def test_guard_ends_with_its_sandbox(prison: Prison, eventually: Eventually, shut: Servers) -> None:
    prison.attack("try_twice", port=shut.port)
    assert len(guards(prison)) == prison.executor.warm.totals().processes
    prison.executor.warm.close()
    eventually(lambda: not guards(prison))
    eventually(lambda: not prison.processes())
