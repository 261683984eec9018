"""A worker with `TRUELINE_EGRESS=declared`, and servers of its machine that jobs may want."""

import os
import shutil
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

REPOSITORY = Path(__file__).parents[3]
PLUGINS = REPOSITORY / "tests" / "fixtures" / "attacks"
Act = Sequence[Any]


@dataclass
class Trip:
    """What became of a job."""

    end: JobEnd
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def answers(self) -> list[Any]:
        return self.answers_of("travel")

    def answers_of(self, task: str) -> list[Any]:
        results = [it["result"] for it in self.events if it["type"] == "task_finished"]
        (result,) = [result for result in results if result["name"] == task]
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

    def trust(self, site: "Site") -> str:
        """Put a site's authority into the snapshot of later jobs; return its path there."""
        self.snapshot = self.ways.folder.parents[1] / "snapshot"
        shutil.copytree(PLUGINS, self.snapshot)
        shutil.copy(site.certificates, self.snapshot / "authority.pem")
        return str(self.snapshot / "authority.pem")

    def go(
        self,
        *acts: Act,
        hosts: Sequence[str] | None,
        then: Sequence[Act] = (),
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

        order = JobOrder("job-1", 1, "traveller", {"acts": acts, "then": then})
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
