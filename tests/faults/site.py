"""A whole Trueline on loopback: source, API and workers, each behind a proxy."""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import psutil

from api.database import Database
from tests.faults.history import check_history
from tests.faults.process import Process
from tests.faults.proxy import Proxy
from tests.faults.repository import Repository

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
