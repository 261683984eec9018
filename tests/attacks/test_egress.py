"""Where a plugin gets to with `TRUELINE_EGRESS=declared`: hosts that it declares, and no other."""

import os
import re
import shutil
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from utils.settings import Settings
from worker.egress import DeclaredWays
from worker.environment import Environment
from worker.environments import BuildOptions, Environments
from worker.execution import JobEnd, JobOrder, Prepared, ProcessExecutor, StopSignal, WarmLimits
from worker.isolation import choose_isolation
from worker.launcher import Launcher
from worker.requirements import read_requirements

REPOSITORY = Path(__file__).parents[2]
PLUGINS = REPOSITORY / "tests" / "fixtures" / "attacks"
Act = Sequence[Any]


@dataclass
class Trip:
    """What became of a job."""

    end: JobEnd
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def answers(self) -> list[Any]:
        (result,) = [it["result"] for it in self.events if it["type"] == "task_finished"]
        assert result["status"] == "success", result["errors"]
        found: list[Any] = result["data"]
        return found

    @property
    def network(self) -> dict[str, Any]:
        (event,) = [it for it in self.events if it["type"] == "network"]
        assert self.events.index(event) == len(self.events) - 2, "job_finished comes last"
        return event

    @property
    def reached(self) -> dict[tuple[str, int], dict[str, Any]]:
        return {(row["host"], row["port"]): row for row in self.network["reached"]}


@dataclass
class Travel:
    """A worker whose jobs reach declared hosts alone."""

    executor: ProcessExecutor
    environment: Environment
    ways: DeclaredWays
    snapshot: Path = PLUGINS

    def go(
        self,
        *acts: Act,
        hosts: Sequence[str] | None,
        listen: Callable[[dict[str, Any]], None] = lambda _event: None,
    ) -> Trip:
        declared = None if hosts is None else tuple(hosts)
        source = {"url": "file:///source", "ref": "main"}
        prepared = Prepared(
            "traveller", "c" * 40, self.snapshot, self.environment, source, declared
        )
        events: list[dict[str, Any]] = []

        def take(event: dict[str, Any]) -> None:
            events.append(event)
            listen(event)

        order = JobOrder("job-1", 1, "traveller", {"acts": acts})
        return Trip(self.executor.run(order, prepared, take, StopSignal()), events)


class Answering(BaseHTTPRequestHandler):
    """Tells what it was asked; `do_POST` how much came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(f"{self.path} of {self.headers['host']}, {self.headers['proxy-authorization']}")

    def do_POST(self) -> None:
        size = 0
        while length := int(self.rfile.readline(), 16):
            size += len(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        self._say(str(size))

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is given
        pass


class Ipv6Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6


@dataclass
class Site:
    """A server of this machine's loopback."""

    port: int
    certificates: str = ""


def serving(server: ThreadingHTTPServer) -> Iterator[Site]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Site(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    yield from serving(ThreadingHTTPServer(("127.0.0.1", 0), Answering))


@pytest.fixture(scope="session")
def ipv6_site() -> Iterator[Site]:
    yield from serving(Ipv6Server(("::1", 0), Answering))


@pytest.fixture(scope="session")
def secure_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Speaks TLS as 127.0.0.1, localhost and other.test."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("certificates") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", "other.test").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    for served in serving(server):
        yield Site(served.port, str(path))


@pytest.fixture(scope="session")
def travellers_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A real environment with requests and httpx."""
    directory = tmp_path_factory.mktemp("data") / "environments"
    listed = PLUGINS / "integrations" / "traveller" / "requirements.txt"
    requirements = read_requirements(listed, "traveller")
    options = BuildOptions(environ=dict(os.environ), python=Path(sys.executable))
    built = Environments(directory, (), REPOSITORY / "utils", options)
    return built.build("traveller", requirements)


@pytest.fixture
def travel_with(
    launcher: Launcher, tmp_path: Path, travellers_environment: Environment, *, is_warm: bool
) -> Iterator[Callable[..., Travel]]:
    """Make a worker; keywords are settings."""
    made: list[Travel] = []

    def make(**given: Any) -> Travel:
        settings = Settings.model_validate(
            {"data_dir": tmp_path / "data", "egress": "declared", **given}
        )
        environ = {"HTTPS_PROXY": "http://proxy-of-the-worker:1"}
        host = choose_isolation("sandbox").host(launcher, settings, environ)
        assert isinstance(host.ways, DeclaredWays)
        warm = WarmLimits(2, 1024**3) if is_warm else WarmLimits(0, 0)
        executor = ProcessExecutor(host, tmp_path / "data" / "jobs", warm)
        made.append(Travel(executor, travellers_environment, host.ways))
        return made[-1]

    yield make
    for travel in made:
        travel.executor.close()


@pytest.fixture
def travel(
    travel_with: Callable[..., Travel], site: Site, ipv6_site: Site, secure_site: Site
) -> Travel:
    """A worker whose operator lets declared hosts lead to the three sites."""
    ports = [f"127.0.0.1:{site.port}", f"[::1]:{ipv6_site.port}", f"127.0.0.1:{secure_site.port}"]
    return travel_with(egress_private=", ".join(ports))


def test_declared_host_is_reached_by_every_client(travel: Travel, secure_site: Site) -> None:
    url = f"https://localhost:{secure_site.port}/a?b=c"
    travel.snapshot = with_file(travel, secure_site.certificates)
    path = str(travel.snapshot / "authority.pem")
    acts = [(name, url, path) for name in ("by_urllib", "by_requests", "by_httpx")]
    trip = travel.go(*acts, hosts=[f"localhost:{secure_site.port}"])
    assert trip.answers == [f"/a?b=c of localhost:{secure_site.port}, None"] * 3
    row = trip.reached["localhost", secure_site.port]
    assert (row["allowed"], row["reason"], row["connections"]) == (True, None, 3)
    assert row["bytes_sent"] > 3 * 200
    assert row["bytes_received"] > 3 * 200


def test_plain_http_is_reached_by_every_client(travel: Travel, site: Site) -> None:
    url = f"http://127.0.0.1:{site.port}/a?b=c"
    acts = [(name, url) for name in ("by_urllib", "by_requests", "by_httpx")]
    trip = travel.go(*acts, ("post", url, 300_000), hosts=[f"127.0.0.1:{site.port}"])
    assert trip.answers == [f"/a?b=c of 127.0.0.1:{site.port}, None"] * 3 + ["300000"]
    row = trip.reached["127.0.0.1", site.port]
    assert row["connections"] == 4
    assert row["bytes_sent"] > 300_000


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


def test_declared_name_must_not_lead_to_this_machine(travel_with: Callable[..., Travel]) -> None:
    """As a name server of the author's could say, at the second look-up or at the first."""
    travel = travel_with(egress_private="127.0.0.1:1")
    hosts = ["localhost", "127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]:80", outer_address()]
    urls = [f"http://{name}/" for name in ("localhost", *hosts[1:4], outer_address())]
    trip = travel.go(*(("by_urllib", url) for url in urls), hosts=hosts)
    for answer in trip.answers:
        assert "an operator may allow it by TRUELINE_EGRESS_PRIVATE" in answer, answer
    assert not any(row["allowed"] for row in trip.network["reached"])


def test_ipv6_is_reached_by_an_address_that_is_declared(travel: Travel, ipv6_site: Site) -> None:
    acts = [(name, f"http://[::1]:{ipv6_site.port}/") for name in ("by_urllib", "by_requests")]
    trip = travel.go(*acts, hosts=[f"[::1]:{ipv6_site.port}"])
    assert trip.answers == [f"/ of [::1]:{ipv6_site.port}, None"] * 2
    assert trip.reached["::1", ipv6_site.port]["connections"] == 2


def test_tls_must_ask_for_the_name_that_was_declared(travel: Travel, secure_site: Site) -> None:
    travel.snapshot = with_file(travel, secure_site.certificates)
    path = str(travel.snapshot / "authority.pem")
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


def test_other_protocols_go_through_a_tunnel(travel_with: Callable[..., Travel]) -> None:
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


def test_proxy_serves_nobody_without_the_jobs_own_ticket(travel: Travel, site: Site) -> None:
    head = f"GET http://127.0.0.1:{site.port}/ HTTP/1.1\r\nHost: x\r\n"
    wrong = "Proxy-Authorization: Basic am9iOng=\r\n"
    odd = "Proxy-Authorization: Basic \xff\r\n"
    acts = [("asked_of_proxy", head + more + "\r\n") for more in ("", wrong, odd)]
    trip = travel.go(*acts, hosts=[f"127.0.0.1:{site.port}"])
    assert [answer[:12] for answer in trip.answers] == ["HTTP/1.1 407"] * 3
    assert trip.network["reached"] == []


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
    assert again.startswith("NoWayOut")
    assert in_their_name.startswith("NoWayOut")
    assert set(second.reached) == {("127.0.0.1", site.port), ("second.test", 80)}
    assert first[0].answers == ["waited", f"/ of 127.0.0.1:{site.port}, None"]
    assert set(first[0].reached) == {("127.0.0.1", site.port)}
    assert first[0].reached["127.0.0.1", site.port]["connections"] == 1


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
            os.kill(travel.ways.pid, signal.SIGKILL)
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


def outer_address() -> str:
    """Return an address of this machine that is not its loopback's; where there is none, that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        address: str = probe.getsockname()[0]
        return address


def with_file(travel: Travel, certificates: str) -> Path:
    """Return a copy of the snapshot that holds the authority's certificate."""
    copy = travel.ways.folder.parents[1] / "snapshot"
    shutil.copytree(PLUGINS, copy)
    shutil.copy(certificates, copy / "authority.pem")
    return copy


def echo(server: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = server.accept()
        with connection:
            connection.sendall(connection.recv(100))
