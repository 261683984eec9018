"""What it gains to let tasks that wait for a server run side by side."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

from bench.plain_job import job_seconds
from bench.rows import Row, at_most
from bench.scene import Scene, running_scene

ROUNDS = 5
TASKS = 8
WAIT_SECONDS = 0.3
GOAL = 0.25
ENTRY = """\
from urllib.request import urlopen

from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    parallel_tasks = {most}


def asking(name):
    @task(name=name, title=name)
    def ask(self, ctx):
        with urlopen(self.config["url"]) as answer:
            return {{"data": {{"status": answer.status}}}}


for number in range({tasks}):
    asking(f"ask_{{number}}")
"""


def measure() -> list[Row]:
    """Measure both Runners in turn, with warm processes."""
    files = {
        f"integrations/{name}/entry.py": ENTRY.format(most=most, tasks=TASKS)
        for name, most in (("one_by_one", 1), ("side_by_side", TASKS))
    }
    entries = [{"name": name, "title": name} for name in ("one_by_one", "side_by_side")]
    with (
        _slow_server() as port,
        # Jobs in a sandbox reach no service of this machine but those that are named.
        running_scene(files, entries, TRUELINE_LOOPBACK_PORTS=str(port)) as scene,
    ):
        url = f"http://127.0.0.1:{port}/"
        names = [_deploy(scene, entry["name"], url) for entry in entries]
        for name in names:
            job_seconds(scene, name)
        rounds = [[job_seconds(scene, name) for name in names] for _ in range(ROUNDS)]
    one_by_one, side_by_side = (statistics.median(times) for times in zip(*rounds, strict=True))
    what = f"{TASKS} tasks that wait {WAIT_SECONDS:g} s: parallel_tasks = {TASKS}, against 1"
    return [at_most(what, side_by_side * 1000, one_by_one * 1000, "ms", GOAL)]


@contextmanager
def _slow_server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _SlowHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _SlowHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer after a while."""
        time.sleep(WAIT_SECONDS)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the table clean."""


def _deploy(scene: Scene, integration: str, url: str) -> str:
    name = f"bench-{uuid4()}"
    body = {"name": name, "integration": integration, "config": {"url": url}}
    scene.api.post("/deployments", body)
    return name
