"""Tests of the hooks, with a real server and the real libraries."""

import asyncio
import socket
import urllib.request
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
import requests

from tests.httpd import TOKEN
from utils.errors import IntegrationError
from utils.exchange_faults import Fault, spoiled
from utils.exchange_file import Exchange
from utils.exchange_hooks import hooked
from utils.exchange_secrets import Stripper
from utils.exchange_tape import Player, Recorder
from utils.http import AsyncHTTPClient, HTTPClient


def by_async_client(url: str) -> Any:
    async def get() -> Any:
        async with AsyncHTTPClient(url) as client:
            return await client.get("/a")

    return asyncio.run(get())


def by_async_httpx(url: str) -> Any:
    async def get() -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{url}/a")).raise_for_status().json()

    return asyncio.run(get())


def by_requests(url: str) -> Any:
    answer = requests.get(f"{url}/a", timeout=30)
    answer.raise_for_status()
    return answer.json()


WAYS: dict[str, Callable[[str], Any]] = {
    "utils.http": lambda url: HTTPClient(url).get("/a"),
    "utils.http, async": by_async_client,
    "requests": by_requests,
    "httpx": lambda url: httpx.get(f"{url}/a").raise_for_status().json(),
    "httpx, async": by_async_httpx,
    "httpx2": lambda url: httpx2.get(f"{url}/a").raise_for_status().json(),
}
LASTING = (Fault.UNAUTHORIZED, Fault.RATE_LIMITED, Fault.TIMEOUT, Fault.REFUSED, Fault.CUT_OFF)


def recorded(url: str, call: Callable[[str], Any]) -> list[Exchange]:
    taken: list[Exchange] = []
    with hooked(Recorder(Stripper([TOKEN]), taken.append), alone=False):
        assert call(url)["token"] == TOKEN  # whoever records gets what really came
    return taken


@pytest.mark.parametrize("way", WAYS)
def test_what_is_recorded_without_secrets_is_replayed_without_a_server(
    httpd: str, way: str
) -> None:
    exchanges = recorded(httpd, WAYS[way])

    assert len(exchanges) == 1
    assert TOKEN not in repr(exchanges)
    gone = httpd.replace("127.0.0.1", "gone.invalid")
    moved = [one._replace(url=one.url.replace(httpd, gone)) for one in exchanges]
    with hooked(Player(moved, Stripper()), alone=True):
        assert WAYS[way](gone) == {"path": "/a", "sent": "", "token": "***"}
    assert WAYS[way](httpd)["token"] == TOKEN  # and the libraries are as before


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("way", WAYS)
def test_a_fault_is_an_error_of_the_library_that_asked(httpd: str, way: str, fault: Fault) -> None:
    exchanges = recorded(httpd, WAYS[way])
    errors = (IntegrationError, requests.RequestException, httpx.HTTPError, httpx2.HTTPError)

    with (
        hooked(Player(exchanges, Stripper(), spoiled(exchanges, 0, fault)), alone=True),
        pytest.raises(errors),
    ):
        WAYS[way](httpd)


def test_bodies_are_recorded_and_matched(httpd: str) -> None:
    taken: list[Exchange] = []
    with hooked(Recorder(Stripper(), taken.append), alone=False):
        HTTPClient(httpd).post("/p", json={"q": 1})
        requests.post(f"{httpd}/p", data="text", timeout=30)

    assert [one.request_body for one in taken] == [{"json": {"q": 1}}, {"text": "text"}]
    with hooked(Player(taken, Stripper()), alone=True):
        assert HTTPClient(httpd).post("/p", json={"q": 1})["sent"] == '{"q": 1}'


def test_what_is_not_covered_reaches_no_network(httpd: str) -> None:
    with hooked(Player([], Stripper()), alone=True):
        with pytest.raises(OSError, match="no network while exchanges are replayed"):
            urllib.request.urlopen(httpd)
        with pytest.raises(OSError, match=r"x\.example"):
            socket.create_connection(("x.example", 80))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:  # noqa: SIM117 - one more block
            with pytest.raises(OSError, match="no network"):
                datagrams.sendto(b"x", ("127.0.0.1", 9))
