import asyncio
import socket
from base64 import b64encode
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from utils.address_kinds import Exemption
from worker.egress_gate import Gate, Refused


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def gate(*hosts: str, exempt: bool = True) -> Gate:
    allowed = [Exemption(ip_network("127.0.0.0/8")), Exemption(ip_network("::1"))]
    return Gate("tool", hosts, allowed if exempt else ())


def connect(gate: Gate, host: str, port: int) -> None:
    async def open_and_close() -> None:
        way = await gate.connect(host, port)
        way.writer.close()
        await way.writer.wait_closed()

    asyncio.run(open_and_close())


@pytest.mark.parametrize("asked", ["localhost", "LOCALHOST", "localhost."])
def test_declared_host_is_connected_to_and_recorded(port: int, asked: str) -> None:
    one = gate(f"localhost:{port}")
    connect(one, asked, port)
    (row,) = one.answer()["reached"]
    assert (row["host"], row["port"], row["allowed"]) == ("localhost", port, True)


@pytest.mark.parametrize("asked", ["127.0.0.1", "0", "127.1", "2130706433", "localhost\x00", ""])
def test_other_ways_to_say_the_same_are_not_declared(port: int, asked: str) -> None:
    one = gate(f"localhost:{port}")
    with pytest.raises(Refused, match="is not declared") as caught:
        connect(one, asked, port)
    assert caught.value.status == 403
    (row,) = one.answer()["reached"]
    assert (row["allowed"], row["reason"]) == (False, "not declared")


def test_address_is_judged_after_the_look_up(port: int) -> None:
    one = gate(f"localhost:{port}", exempt=False)
    with pytest.raises(Refused, match="1 is a loopback address; an operator may allow") as caught:
        connect(one, "localhost", port)
    assert caught.value.status == 403
    (row,) = one.answer()["reached"]
    assert row["allowed"] is False
    assert "loopback" in row["reason"]


def test_declared_host_that_does_not_answer_is_no_refusal() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        one = gate(f"127.0.0.1:{port}")
        with pytest.raises(Refused, match="cannot be reached: ") as caught:
            connect(one, "127.0.0.1", port)
    assert caught.value.status == 502
    (row,) = one.answer()["reached"]
    assert row["allowed"] is True
    assert "cannot be reached" in row["reason"]


def test_name_without_an_address_is_told() -> None:
    one = gate("nowhere.invalid")
    with pytest.raises(Refused, match=r"'nowhere\.invalid' cannot be looked up") as caught:
        connect(one, "nowhere.invalid", 443)
    assert caught.value.status == 502


def test_ticket_is_the_jobs_own() -> None:
    one = gate()
    one.tickets.add("right")

    def basic(text: str) -> str:
        return f"Basic {b64encode(text.encode()).decode()}"

    one.check_ticket(basic("job:right"))
    for told in ("", basic("job:wrong"), basic("right"), basic("job:"), "Bearer right", "Basic é"):
        with pytest.raises(Refused) as caught:
            one.check_ticket(told)
        assert caught.value.status == 407
