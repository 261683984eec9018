"""Connections, proxies and certificates of the clients, against real servers."""

import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from utils.errors import (
    IntegrationPermanentError,
    IntegrationTemporaryError,
)
from utils.http import HTTPClient, HTTPOptions

if TYPE_CHECKING:
    from tests.remote import Asker, Remote, Slept


def test_connections_are_kept_and_shared_by_threads(remote: "Remote") -> None:
    remote.replies("/", remote.json(1))
    with HTTPClient(remote.url) as client:
        assert [client.get("/") for _ in range(10)] == [1] * 10
        assert {got.connection for got in remote.got} == {1}
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda _: client.get("/"), range(80))) == [1] * 80
    assert len({got.connection for got in remote.got}) <= 9


def test_no_connection_is_opened_before_the_first_request_nor_shared_by_a_fork(
    remote: "Remote",
) -> None:
    remote.replies("/", remote.json(1))
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - the names alone
    client = HTTPClient(remote.url)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208 - same
    client.get("/")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if client.get("/") == 1 else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    client.get("/")
    assert [got.connection for got in remote.got] == [1, 2, 1]
    client.close()


def test_proxies_come_from_the_environment_variables(
    ask: "Asker", remote: "Remote", monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = remote.url.replace("//", "//job:ticket@")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    remote.replies("http://api.example.com/a", remote.json("by the proxy"))
    assert ask("http://api.example.com", "get", "/a") == "by the proxy"
    assert remote.got[0].headers["proxy-authorization"].startswith("Basic ")
    remote.replies("/direct", remote.json("direct"))
    assert ask(remote.url, "get", "/direct") == "direct"


def test_a_host_that_the_proxy_refuses_is_permanent(ask: "Asker", remote: "Remote") -> None:
    refused = (("Proxy-Status", "trueline; error=http_request_denied"),)
    remote.replies("/", remote.reply(403, b"not declared", refused))
    with pytest.raises(IntegrationPermanentError, match="name the host in `hosts`"):
        ask(remote.url, "get", "/")


def test_certificates_are_checked(ask: "Asker", tls: Callable[..., Any], slept: "Slept") -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = HTTPOptions(edges=slept.edges(), verify=context)
    with tls(authority, "localhost") as url:
        assert ask(url, "get", "/", made={"options": options}) == "over TLS"
        with pytest.raises(IntegrationTemporaryError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(url, "get", "/")
    with (
        tls(authority, "other.example.com") as url,
        pytest.raises(IntegrationTemporaryError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        ask(url, "get", "/", made={"options": options})
