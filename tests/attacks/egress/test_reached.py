"""What a plugin reaches: the hosts that it declares, by any client, and recorded as its own."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

Travel = Any
Site = Any
Trip = Any


def test_declared_host_is_reached_by_every_client(travel: Travel, secure_site: Site) -> None:
    url = f"https://localhost:{secure_site.port}/a?b=c"
    path = travel.trust(secure_site)
    acts = [(name, url, path) for name in ("by_urllib", "by_requests", "by_httpx")]
    trip = travel.go(*acts, hosts=[f"localhost:{secure_site.port}"])
    assert trip.answers == [f"/a?b=c of localhost:{secure_site.port}, None"] * 3
    row = trip.reached["localhost", secure_site.port]
    assert (row["allowed"], row["reason"], row["connections"]) == (True, None, 3)
    assert row["bytes_sent"] > 3 * 200
    assert row["bytes_received"] > 3 * 200


def test_git_goes_through_the_proxy(travel: Travel, secure_site: Site) -> None:
    path = travel.trust(secure_site)
    hosts = [f"localhost:{secure_site.port}", f"elsewhere.test:{secure_site.port}"]
    urls = [f"https://{host}/x.git" for host in hosts]
    trip = travel.go(*(("by_git", url, path) for url in urls), hosts=hosts[:1])
    here, elsewhere = trip.answers
    assert here == ""
    assert trip.reached["localhost", secure_site.port]["bytes_received"] > 0
    assert "403" in elsewhere


def test_plain_http_is_reached_by_every_client(travel: Travel, site: Site) -> None:
    url = f"http://127.0.0.1:{site.port}/a?b=c"
    acts = [(name, url) for name in ("by_urllib", "by_requests", "by_httpx")]
    trip = travel.go(*acts, ("post", url, 300_000), hosts=[f"127.0.0.1:{site.port}"])
    assert trip.answers == [f"/a?b=c of 127.0.0.1:{site.port}, None"] * 3 + ["300000"]
    row = trip.reached["127.0.0.1", site.port]
    assert row["connections"] == 4
    assert row["bytes_sent"] > 300_000


def test_ipv6_is_reached_by_an_address_that_is_declared(travel: Travel, ipv6_site: Site) -> None:
    acts = [(name, f"http://[::1]:{ipv6_site.port}/") for name in ("by_urllib", "by_requests")]
    trip = travel.go(*acts, hosts=[f"[::1]:{ipv6_site.port}"])
    assert trip.answers == [f"/ of [::1]:{ipv6_site.port}, None"] * 2
    assert trip.reached["::1", ipv6_site.port]["connections"] == 2


def test_other_protocols_go_through_a_tunnel(travel_with: Callable[..., Any]) -> None:
    """From a plugin by utils.tunnel.connect, and from ssh by the same as a program."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        travel = travel_with(egress_private=f"127.0.0.1:{port}")
        thread = threading.Thread(target=echo, args=(server, 2))
        thread.start()
        trip = travel.go(
            ("tunnelled", "localhost", port),
            ("by_program", "localhost", port),
            ("by_program", "elsewhere.test", port),
            hosts=[f"localhost:{port}"],
        )
        thread.join()
    assert trip.answers[:2] == ["hello\n", "hello\n"]
    assert "host 'elsewhere.test" in trip.answers[2]


def test_workers_own_proxy_is_not_passed_on(travel: Travel) -> None:
    (seen,) = travel.go(("variables",), hosts=["a.test", "localhost:8443"]).answers
    assert "proxy-of-the-worker" not in str(seen)
    assert seen["NO_PROXY"] == "127.0.0.1,::1"
    assert "TRUELINE_WAY_OUT" not in seen


def test_jobs_of_one_warm_process_are_attributed_apart(
    travel: Travel, site: Site, eventually: Callable[[Callable[[], object]], None]
) -> None:
    """And one cannot use the other's way out, nor come to the desk a second time."""
    said: list[str] = []
    first: list[Trip] = []
    url = f"http://127.0.0.1:{site.port}/"
    hosts = [f"127.0.0.1:{site.port}"]
    mark = travel.environment.path / "go-on"

    def listen(event: dict[str, Any]) -> None:
        if event["type"] == "output":
            said.append(event["text"])

    acts = (("wait_for", str(mark)), ("by_urllib", url))
    thread = threading.Thread(
        target=lambda: first.append(travel.go(*acts, hosts=hosts, listen=listen))
    )
    thread.start()
    eventually(lambda: "\n" in "".join(said))
    _, theirs = "".join(said).split()
    request = f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n"
    second = travel.go(
        ("by_urllib", url),
        ("by_urllib", "http://second.test/"),
        ("asked_of_proxy", request, theirs),
        ("hand_over",),
        ("hand_over", theirs[11:43]),
        hosts=hosts,
    )
    mark.touch()
    thread.join()
    mark.unlink()
    trespass, again, in_their_name = second.answers[2:]
    assert trespass.startswith(("HTTP/1.1 407", "ConnectionRefusedError"))
    for refused in (again, in_their_name):
        assert refused.startswith("NoWayOut")
        assert "it refused" in refused
    assert set(second.reached) == {("127.0.0.1", site.port), ("second.test", 80)}
    assert first[0].answers == ["waited", f"/ of 127.0.0.1:{site.port}, None"]
    assert set(first[0].reached) == {("127.0.0.1", site.port)}
    assert first[0].reached["127.0.0.1", site.port]["connections"] == 1


def test_child_that_takes_over_a_job_has_a_way_out_and_adds_to_its_record(
    travel_with: Callable[..., Any], site: Site
) -> None:
    travel = travel_with(egress_private="127.0.0.1", task_timeout_seconds=1)
    host = f"127.0.0.1:{site.port}"
    act = ("by_urllib", f"http://{host}/")
    trip = travel.go(act, ("hang",), hosts=[host], then=[act])
    assert trip.end.status == "partial"
    assert trip.answers_of("return") == [f"/ of {host}, None"]
    assert trip.reached["127.0.0.1", site.port]["connections"] == 2


def test_next_job_has_a_proxy_after_one_was_killed(travel: Travel, site: Site) -> None:
    url = f"http://127.0.0.1:{site.port}/"
    hosts = [f"127.0.0.1:{site.port}"]
    travel.go(("by_urllib", url), hosts=hosts)
    os.kill(travel.ways.pid, signal.SIGKILL)
    trip = travel.go(("by_urllib", url), hosts=hosts)
    assert trip.answers == [f"/ of 127.0.0.1:{site.port}, None"]
    assert trip.network["complete"] is True


def test_job_whose_proxy_is_killed_says_that_its_record_is_not_whole(
    travel: Travel, site: Site
) -> None:
    url = f"http://127.0.0.1:{site.port}/"
    mark = travel.environment.path / "go-on-too"

    def listen(event: dict[str, Any]) -> None:
        if event["type"] == "output":
            pid = travel.ways.pid
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # until then its socket takes calls
            mark.touch()

    trip = travel.go(("wait_for", str(mark)), ("by_urllib", url), hosts=[url[7:-1]], listen=listen)
    mark.unlink()
    assert "Connection refused" in trip.answers[1]
    assert trip.network["complete"] is False


def test_stopped_proxy_is_replaced(travel: Travel, site: Site, monkeypatch: Any) -> None:
    monkeypatch.setattr("worker.egress.ANSWER_SECONDS", 0.5)
    os.kill(travel.ways.pid, signal.SIGKILL)
    travel.ways.ask({"do": "look"})
    os.kill(travel.ways.pid, signal.SIGSTOP)
    trip = travel.go(
        ("by_urllib", f"http://127.0.0.1:{site.port}/"), hosts=[f"127.0.0.1:{site.port}"]
    )
    assert trip.answers == [f"/ of 127.0.0.1:{site.port}, None"]


def echo(server: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = server.accept()
        with connection:
            connection.sendall(connection.recv(100))
