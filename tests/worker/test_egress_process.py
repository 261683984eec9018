import asyncio
import json
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from utils.egress import DESK
from worker.egress_gate import MOST_CONNECTIONS
from worker.egress_process import Proxy
from worker.egress_tunnel import HEAD_SECONDS

REPOSITORY = Path(__file__).parents[2]
BOOT = "import sys; from worker.egress_process import serve_egress; serve_egress(*{!r})"


class Started:
    """The proxy's process, and the worker's end of its socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders, theirs = socket.socketpair()
        self.orders.settimeout(30)
        program = BOOT.format((theirs.fileno(), str(folder), "127.0.0.0/8"))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program], cwd=REPOSITORY, pass_fds=[theirs.fileno()]
            )

    def ask(self, **order: Any) -> dict[str, Any]:
        self.orders.sendall(json.dumps(order).encode() + b"\n")
        with self.orders.makefile("rb") as answers:
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

    def admit(self, job: str, ticket: str, *hosts: str) -> None:
        assert self.ask(do="admit", job=job, ticket=ticket, integration="tool", hosts=hosts) == {}

    def hand_over(self, ticket: str) -> tuple[bytes, int]:
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as desk,
        ):
            desk.settimeout(30)
            desk.connect(str(self.folder / DESK))
            socket.send_fds(desk, [ticket.encode()], [listener.fileno()])
            return desk.recv(1), listener.getsockname()[1]

    def connect(self, port: int, ticket: str, target: str, timeout: float = 30) -> bytes:
        user = b64encode(f"job:{ticket}".encode()).decode()
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            head = (
                f"CONNECT {target} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic {user}\r\n\r\n"
            )
            connection.sendall(head.encode())
            return connection.recv(1000)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    assert started.ask(do="look") == {"alive": True}
    yield started
    started.orders.close()
    assert started.process.wait(30) == 0, "it ends with the worker"


@pytest.fixture
def target() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_crowd_of_strangers_takes_no_places_from_the_job(proxy: Started, target: str) -> None:
    proxy.admit("one", "ticket-1", target)
    _, port = proxy.hand_over("ticket-1")
    crowd = [
        socket.create_connection(("127.0.0.1", port), timeout=HEAD_SECONDS / 2)
        for _ in range(MOST_CONNECTIONS + 10)
    ]
    assert b"200" in proxy.connect(port, "ticket-1", target, timeout=HEAD_SECONDS / 2)
    for one in crowd:
        one.close()


def test_each_job_has_its_own_hosts_ticket_and_record(proxy: Started, target: str) -> None:
    proxy.admit("one", "ticket-1", target)
    proxy.admit("two", "ticket-2")
    (first, port_1), (second, port_2) = proxy.hand_over("ticket-1"), proxy.hand_over("ticket-2")
    assert (first, second) == (b"y", b"y")
    assert proxy.connect(port_1, "ticket-1", target).startswith(b"HTTP/1.1 200 ")
    assert proxy.connect(port_2, "ticket-2", target).startswith(b"HTTP/1.1 403 ")
    assert proxy.connect(port_1, "ticket-2", target).startswith(b"HTTP/1.1 407 ")
    one, two = proxy.ask(do="end", job="one"), proxy.ask(do="end", job="two")
    assert [row["allowed"] for row in one["reached"]] == [True]
    assert [row["allowed"] for row in two["reached"]] == [False]


def test_ticket_is_good_for_one_socket(proxy: Started) -> None:
    proxy.admit("one", "ticket-1")
    assert proxy.hand_over("ticket-1")[0] == b"y"
    assert proxy.hand_over("ticket-1")[0] == b"n"
    assert proxy.hand_over("ticket-2")[0] == b"n"


def test_second_child_of_a_job_adds_to_its_record(proxy: Started, target: str) -> None:
    for ticket in ("ticket-1", "ticket-2"):
        proxy.admit("one", ticket, target)
        port = proxy.hand_over(ticket)[1]
        assert proxy.connect(port, ticket, target).startswith(b"HTTP/1.1 200 ")
    (row,) = proxy.ask(do="end", job="one")["reached"]
    assert row["connections"] == 2


def test_end_of_a_job_closes_its_way_and_its_connections(proxy: Started, target: str) -> None:
    proxy.admit("one", "ticket-1", target)
    proxy.admit("one", "ticket-unused", target)
    port = proxy.hand_over("ticket-1")[1]
    user = b64encode(b"job:ticket-1").decode()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as open_one:
        head = f"CONNECT {target} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic {user}\r\n\r\n"
        open_one.sendall(head.encode())
        assert open_one.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert proxy.ask(do="end", job="one")["known"] is True
        assert open_one.recv(1000) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=30)
    assert proxy.hand_over("ticket-unused")[0] == b"n"
    assert proxy.ask(do="end", job="one") == {"reached": [], "omitted": 0, "known": False}


def test_jobs_are_kept_apart_by_their_keys() -> None:
    async def both() -> None:
        proxy = Proxy(())
        for job in ("one", "two"):
            order = {"do": "admit", "job": job, "ticket": job, "integration": job, "hosts": None}
            assert await proxy.obey(order) == {}
        assert (await proxy.obey({"do": "end", "job": "one"}))["known"] is True
        with socket.create_server(("127.0.0.1", 0)) as listener:
            assert not proxy.let_in("one", listener)
        assert (await proxy.obey({"do": "end", "job": "two"}))["known"] is True

    asyncio.run(both())
