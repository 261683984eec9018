"""What a plugin does not reach: hosts that it does not declare, and whatever is not a host."""

import os
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

Travel = Any
Site = Any
Trip = Any


def test_host_that_is_not_declared_is_refused_with_the_line_to_change(
    travel: Travel, site: Site, secure_site: Site
) -> None:
    plain, secure = "http://elsewhere.test/", f"https://127.0.0.1:{secure_site.port}/"
    clients = ("by_urllib", "by_requests", "by_httpx")
    acts = [(name, url) for url in (plain, secure) for name in clients]
    trip = travel.go(*acts, hosts=[f"127.0.0.1:{site.port}"])
    for answer in trip.answers:
        told = answer.replace("\\", "")  # some clients quote what they were told
        assert "is not declared: integration 'traveller' declares" in told
        assert '"hosts" in integrations.json' in told
    refused = {key: (row["allowed"], row["connections"]) for key, row in trip.reached.items()}
    assert refused == {
        ("elsewhere.test", 80): (False, 3),
        ("127.0.0.1", secure_site.port): (False, 3),
    }


@pytest.mark.parametrize("hosts", [None, []])
def test_integration_that_declares_nothing_reaches_nothing(
    travel: Travel, site: Site, hosts: Sequence[str] | None
) -> None:
    acts = [("by_requests", "http://example.com/"), ("tunnelled", "127.0.0.1", site.port)]
    trip = travel.go(*acts, hosts=hosts)
    for answer in trip.answers:
        assert "declares no hosts" in answer
    assert trip.network["hosts"] == hosts
    assert not trip.reached["127.0.0.1", site.port]["allowed"]


def test_nothing_is_reached_around_the_proxy(
    travel: Travel, site: Site, ipv6_site: Site, tmp_path: Path
) -> None:
    name = f"trueline-{tmp_path.name}-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as host, socket.socket(socket.AF_INET) as own:
        host.bind(f"\0{name}")
        host.listen()
        own.bind((outer_address(), 0))
        own.listen()
        trip = travel.go(
            ("raw", "127.0.0.1", site.port),
            ("raw", "::1", ipv6_site.port),
            ("raw", outer_address(), own.getsockname()[1]),
            ("raw", "169.254.169.254", 80),
            ("raw", "192.0.2.1", 443),
            ("datagram", "192.0.2.1", 53),
            ("datagram", "2001:db8::1", 53),
            ("abstract", name),
            ("gethostbyname", "example.com"),
            ("interfaces",),
            hosts=[f"127.0.0.1:{site.port}", f"[::1]:{ipv6_site.port}", "example.com"],
        )
    *refused, resolved, interfaces = trip.answers
    for answer in refused:
        assert re.search("ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL|EPERM", answer), refused
    assert resolved.startswith("gaierror")
    assert interfaces == ["lo"]
    assert trip.network["reached"] == []


def test_declared_name_must_not_lead_to_this_machine(travel_with: Callable[..., Any]) -> None:
    """As a name server of the author's could say, at the second look-up or at the first."""
    travel = travel_with(egress_private="127.0.0.1:1")
    hosts = ["localhost", "127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]:80", outer_address()]
    urls = [f"http://{name}/" for name in ("localhost", *hosts[1:4], outer_address())]
    trip = travel.go(*(("by_urllib", url) for url in urls), hosts=hosts)
    for answer in trip.answers:
        assert "an operator may allow it by TRUELINE_EGRESS_PRIVATE" in answer, answer
    assert not any(row["allowed"] for row in trip.network["reached"])


def test_tls_must_ask_for_the_name_that_was_declared(travel: Travel, secure_site: Site) -> None:
    path = travel.trust(secure_site)
    port = secure_site.port
    asked = [
        ("tunnelled_tls", "localhost", port, name, path) for name in ("LOCALHOST", "other.test")
    ]
    trip = travel.go(*asked, hosts=[f"localhost:{port}"])
    right, wrong = trip.answers
    assert right.startswith("HTTP/1.")
    assert "UNRECOGNIZED_NAME" in wrong.upper()
    refused = trip.reached["other.test", port]
    assert refused["allowed"] is False
    assert refused["reason"] == f"asked for by TLS on a connection to localhost:{port}"


def test_proxy_serves_nobody_without_the_jobs_own_ticket(travel: Travel, site: Site) -> None:
    head = f"GET http://127.0.0.1:{site.port}/ HTTP/1.1\r\nHost: x\r\n"
    wrong = "Proxy-Authorization: Basic am9iOng=\r\n"
    odd = "Proxy-Authorization: Basic \xff\r\n"
    acts = [("asked_of_proxy", head + more + "\r\n") for more in ("", wrong, odd)]
    trip = travel.go(*acts, hosts=[f"127.0.0.1:{site.port}"])
    assert [answer[:12] for answer in trip.answers] == ["HTTP/1.1 407"] * 3
    assert trip.network["reached"] == []


@pytest.mark.parametrize("is_warm", ["warm"], indirect=True)  # fresh jobs share no network
def test_job_beside_another_takes_none_of_its_places(travel: Travel, site: Site) -> None:
    hosts = [f"127.0.0.1:{site.port}"]
    url = f"http://127.0.0.1:{site.port}/"
    travel.go(("by_urllib", url), hosts=hosts)  # which makes it warm
    with ThreadPoolExecutor() as pool:
        crowd = pool.submit(travel.go, ("crowd_out", 8), hosts=[])
        trip = travel.go(("soon_in_a_crowd", url), hosts=hosts)
        (held,) = crowd.result().answers
    assert held >= 256
    assert trip.answers[0].startswith("/ of ")


def outer_address() -> str:
    """Return an address of this machine that is not its loopback's; where there is none, that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        address: str = probe.getsockname()[0]
        return address
