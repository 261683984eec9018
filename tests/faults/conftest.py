"""A whole Trueline on loopback for each test: source, API, workers, and what cuts between them."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from api.database import Database
from tests import preloaded
from utils.manifest import MANIFEST

FIXTURES = Path(__file__).parents[1] / "fixtures" / "faults"
LEASE_SECONDS = 2
HELPER = "import time; time.sleep(600)"  # what the gated task starts
ENDED = {"success", "partial", "failed", "cancelled"}


def eventually(condition: Callable[[], Any], timeout_seconds: float = 60) -> Any:
    """Poll until the condition holds, and return what it gave."""
    end = time.monotonic() + timeout_seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"it did not come to this: {condition}"
        time.sleep(0.05)
    return found


class Repository:
    """The Git source; each push is a new commit of its default branch."""

    def __init__(self, path: Path, integrations: Collection[str]) -> None:
        self.path = path
        for name in integrations:
            shutil.copytree(FIXTURES / "integrations" / name, path / "integrations" / name)
        entries = json.loads((FIXTURES / MANIFEST).read_bytes())
        kept = [entry for entry in entries if entry["name"] in integrations]
        (path / MANIFEST).write_text(json.dumps(kept, indent=2))
        self._git("init", "--quiet", "--initial-branch=main")
        self.push()

    def push(self) -> str:
        self._git("add", "--all")
        who = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
        self._git(*who, "commit", "--quiet", "--allow-empty", "--message=change")
        return self._git("rev-parse", "HEAD")

    def become(self, folder: Path) -> str:
        """Hold these files instead of what is there."""
        shutil.rmtree(self.path / "integrations")
        shutil.copytree(folder, self.path, dirs_exist_ok=True)
        return self.push()

    def replace(self, file: str, old: str, new: str) -> str:
        path = self.path / file
        path.write_text(path.read_text().replace(old, new))
        return self.push()

    def _git(self, *args: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
        end = subprocess.run(
            ["git", *args], cwd=self.path, env=environ, check=True, capture_output=True, text=True
        )
        return end.stdout.strip()


class Proxy:
    """Stands between a worker and the API, and keeps what the API confirmed to the worker."""

    def __init__(self, api_port: int) -> None:
        self.api_port = api_port
        self.is_cut = threading.Event()
        self.closed = threading.Event()
        self.replies_to_drop: dict[str, int] = defaultdict(int)
        self.dropped: list[str] = []
        self.statuses: dict[str, list[int]] = defaultdict(list)
        self.confirmed: set[tuple[str, int, int]] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def note(self, path: str, body: bytes, status: int, answer: bytes) -> None:
        """Remember a reply that the worker gets."""
        self.statuses[path].append(status)
        if path != "/api/v1/events" or status != 200:
            return
        outcomes = {(o["job_id"], o["attempt"]): o for o in json.loads(answer)["outcomes"]}
        for report in json.loads(body)["reports"]:
            lease = (report["job_id"], report["attempt"])
            if outcomes[lease]["status"] == "recorded":
                self.confirmed |= {(*lease, event["seq"]) for event in report["events"]}

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take it that a side has hung up: that is what faults are."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_PUT(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.is_cut.is_set():
            self._hold()
            return
        try:
            status, headers, answer = self._ask_api(body)
        except ConnectionRefusedError:
            self.send_error(502)  # as gateways do
            return
        except OSError:
            self.close_connection = True
            return
        if proxy.replies_to_drop[self.path]:
            proxy.replies_to_drop[self.path] -= 1
            proxy.dropped.append(self.path)
            self.close_connection = True
            return
        if proxy.is_cut.is_set():
            self._hold()
            return
        proxy.note(self.path, body, status, answer)
        self.send_response(status)
        for name in ("Content-Type", "Retry-After"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _hold(self) -> None:
        """Neither answer nor hang up while the connection is cut."""
        proxy = self.server.proxy
        while proxy.is_cut.is_set() and not proxy.closed.is_set():
            time.sleep(0.02)
        self.close_connection = True

    def _ask_api(self, body: bytes) -> tuple[int, Any, bytes]:
        api = http.client.HTTPConnection("127.0.0.1", self.server.proxy.api_port, timeout=60)
        passed_on = ("Content-Type", "X-Trueline-Lease")
        headers = {name: self.headers[name] for name in passed_on if name in self.headers}
        try:
            api.request(self.command, self.path, body, headers)
            response = api.getresponse()
            return response.status, response.headers, response.read()
        finally:
            api.close()


class Process:
    """One of ours as `python -m`, with its log in a file."""

    def __init__(self, module: str, environ: dict[str, str], log: Path) -> None:
        self.log_path = log
        with log.open("ab") as stream:
            self._process = preloaded.start(module, environ, log.parent, stream)
        self.pid = self._process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill -9, and leave its children to themselves."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self._process.wait(30)

    def kill_group(self) -> None:
        """Kill -9 it and the processes that it serves with."""
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> int:
        """SIGTERM, and wait for the orderly end."""
        self.signal(signal.SIGTERM)
        return self._process.wait(60)

    def wait(self) -> int:
        return self._process.wait(60)

    def has_ended(self) -> bool:
        """Fail with its log when it has ended; so this is always False."""
        assert self._process.poll() is None, self.log_path.read_text()
        return False

    def said(self, event: str, **values: Any) -> list[dict[str, Any]]:
        """Return the lines of its log with this event and these values."""
        lines = self.log_path.read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [
            entry
            for entry in entries
            if entry.get("event") == event
            and all(entry.get(name) == value for name, value in values.items())
        ]


class Site:
    """A source, an API and any number of workers, each behind a proxy of its own."""

    def __init__(
        self,
        repository: Repository,
        environments: Path,
        level: str,
        database_url: str,
        **settings: str,
    ) -> None:
        """Start the API, with these settings of it."""
        self.path = repository.path.parent
        self.database_url = database_url
        self.level = level
        self.environ: dict[str, str] = {}  # of processes that start from now on
        self.repository = repository
        self.proxies: list[Proxy] = []
        self._environments = environments
        self._processes: list[Process] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False, verify=False
        )
        self.api = self.start_api(**settings)

    def start_api(self, **settings: str) -> Process:
        given = {f"TRUELINE_{key.upper()}": value for key, value in settings.items()}
        given["TRUELINE_API_PORT"] = str(self.port)
        self.api = self._start("api", self.path / "api", given)
        eventually(lambda: self._api_lives() or self.api.has_ended())
        return self.api

    def start_worker(self, name: str = "worker", **settings: str) -> Process:
        """Start a worker and wait until it is ready; the same name is the same data directory."""
        worker = self.launch_worker(name, **settings)
        eventually(lambda: worker.said("worker ready") or worker.has_ended())
        return worker

    def launch_worker(self, name: str = "worker", **settings: str) -> Process:
        home = self.path / name
        home.mkdir(exist_ok=True)
        if not (home / "environments").exists():
            (home / "environments").symlink_to(self._environments)
        proxy = Proxy(self.port)
        self.proxies.append(proxy)
        given = {f"TRUELINE_{key.upper()}": value for key, value in settings.items()}
        return self._start("worker", home, {"TRUELINE_API_URL": proxy.url, **given})

    def init(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post("/init-integrations").raise_for_status().json()
        return answer

    def deploy(self, integration: str, **config: Any) -> str:
        body = {"name": integration, "integration": integration, "config": config}
        return str(self.http.post("/api/v1/deployments", json=body).raise_for_status().json()["id"])

    def submit(self, deployment: str) -> str:
        answer = self.http.post(f"/api/v1/deployments/{deployment}/jobs").raise_for_status()
        return str(answer.json()["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"/api/v1/jobs/{job_id}").raise_for_status().json()
        return answer

    def ended(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = eventually(
            lambda: job if (job := self.job(job_id))["status"] in ENDED else None
        )
        return found

    def tasks(self, job_id: str) -> dict[str, dict[str, Any]]:
        answer = self.http.get(f"/api/v1/jobs/{job_id}/tasks").raise_for_status().json()
        return {task["name"]: task for task in answer["items"]}

    def check_complete(self, job_id: str, attempt: int, *waiting: str) -> None:
        """Wait for the end, and find one complete result of the attempt: one violation, once."""
        job = self.ended(job_id)
        assert (job["status"], job["attempt"]) == ("success", attempt)
        tasks = self.tasks(job_id)
        expected = dict.fromkeys((*waiting, "look"), "success")
        assert {name: task["status"] for name, task in tasks.items()} == expected
        assert tasks["look"]["verdict"] == "fail"
        violations = self.http.get("/api/v1/violations").json()["items"]
        assert [(v["task"], v["occurrences"]) for v in violations] == [("look", 1)]

    def worker_name(self, name: str) -> str:
        known = (self.path / name / "worker-id").read_text().strip()
        return f"{socket.gethostname()}-{known}"

    def wait_leases(self, count: int) -> None:
        """Let leases run out: what is tested here is time itself."""
        time.sleep(count * LEASE_SECONDS)

    def records(self, *statements: str) -> list[list[tuple[Any, ...]]]:
        """Ask the database itself; all that is asked at once is of one moment."""
        database = Database(self.database_url or f"sqlite:///{self.path / 'api' / 'trueline.db'}")
        try:
            with database.read() as connection:
                if database.kind == "postgresql":
                    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                return [[tuple(row) for row in connection.exec_driver_sql(s)] for s in statements]
        finally:
            database.close()

    def check_history(self) -> None:
        """Read the append-only log: nothing confirmed is lost, nothing is twice, no stale write."""
        # A row of PostgreSQL goes to where its connection finds room: transactions have an order.
        is_postgresql = self.database_url.startswith("postgresql")
        order = "xmin::text::bigint, attempt, seq" if is_postgresql else "rowid"
        check_history(
            {event for proxy in self.proxies for event in proxy.confirmed},
            *self.records(
                f"SELECT job_id, attempt, seq, type FROM events ORDER BY {order}",
                "SELECT job_id, name, attempt FROM task_results",
                "SELECT id, attempt, finished_at IS NOT NULL FROM jobs",
            ),
        )

    def close(self) -> None:
        self.http.close()
        for process in self._processes:
            process.kill()
        for proxy in self.proxies:
            proxy.close()

    def _start(self, module: str, home: Path, settings: dict[str, str]) -> Process:
        home.mkdir(exist_ok=True)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUELINE_")}
        given = {
            "TRUELINE_DATA_DIR": str(home),
            "TRUELINE_DATABASE_URL": self.database_url,
            "TRUELINE_SOURCE_URL": str(self.repository.path),
            "TRUELINE_LEASE_SECONDS": str(LEASE_SECONDS),
            "TRUELINE_LOG_FORMAT": "json",
            "TRUELINE_ISOLATION": self.level,
            "TRUELINE_READABLE_PATHS": str(self.path),  # plugins wait for a file there
        }
        log = home / f"{module}-{len(self._processes)}.log"
        process = Process(module, {**environ, **self.environ, **given, **settings}, log)
        self._processes.append(process)
        return process

    def helpers(self) -> list[psutil.Process]:
        """Return what tasks have started, as it is seen from outside."""
        below: list[psutil.Process] = []
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                below += psutil.Process(process.pid).children(recursive=True)
        return [one for one in below if _is_helper(one)]

    def _api_lives(self) -> bool:
        try:
            return self.http.get(f"http://127.0.0.1:{self.port}/health/live").is_success
        except httpx2.TransportError:
            return False


def _is_helper(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[-1:] == [HELPER]
    except psutil.NoSuchProcess:
        return False


def check_history(
    confirmed: set[tuple[str, int, int]],
    events: Sequence[tuple[Any, ...]],
    results: Sequence[tuple[Any, ...]],
    jobs: Sequence[tuple[Any, ...]],
) -> None:
    """Compare the events in the order in which they were recorded with all else."""
    attempts = {job: attempt for job, attempt, _ in jobs}
    ended = [job for job, _, is_over in jobs if is_over]
    recorded = [(job, attempt, seq) for job, attempt, seq, _ in events]
    assert confirmed <= set(recorded), "a confirmed event was lost"
    assert len(recorded) == len(set(recorded)), "an event was recorded twice"
    order: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for job, attempt, seq, _ in events:
        order[job].append((attempt, seq))
    for job, places in order.items():
        assert places == sorted(places), f"job {job}: an older attempt wrote after a newer one"
    for job in ended:
        endings = [kind for id_, _, _, kind in events if id_ == job and kind == "job_finished"]
        assert len(endings) == 1, f"job {job} ended {len(endings)} times"
    for job, name, attempt in results:
        assert attempt == attempts[job], f"job {job}: task {name} is of an older attempt"


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory of environments for all workers of all tests: each is built once."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def integrations() -> Collection[str]:
    """Which ones the source has: each costs each worker a look at it."""
    return ("gated",)


@pytest.fixture
def repository(tmp_path: Path, integrations: Collection[str]) -> Repository:
    return Repository(tmp_path / "source", integrations)


@pytest.fixture
def api_settings() -> dict[str, str]:
    """What the API is told beside the usual; some tests ask for more."""
    return {}


@pytest.fixture
def level() -> str:
    """How far jobs are kept apart: as they are by default; some tests ask for more levels."""
    return "sandbox"


@pytest.fixture
def site(
    repository: Repository,
    environments: Path,
    level: str,
    database_kind: str,
    api_settings: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    is_postgresql = database_kind == "postgresql"
    url = request.getfixturevalue("empty_database_url") if is_postgresql else ""
    site = Site(repository, environments, level, url, **api_settings)
    try:
        yield site
        site.check_history()
    finally:
        site.close()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return the file that gated tasks wait for."""
    return tmp_path / "gate"


@pytest.fixture
def is_gone() -> Callable[[psutil.Process], bool]:
    def look(process: psutil.Process) -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # between the two looks
            return True

    return look


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def marked(site: Site) -> Callable[[], list[tuple[psutil.Process, psutil.Process]]]:
    """Return the processes (task and helper) of each time that the gated task began."""
    known: dict[psutil.Process, psutil.Process] = {}

    def read() -> list[tuple[psutil.Process, psutil.Process]]:
        for helper in site.helpers():
            task = helper.parent()
            if task is not None:
                known.setdefault(helper, task)
        return [(task, helper) for helper, task in known.items()]

    return read
