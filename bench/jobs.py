"""What a job costs over the bare start of its interpreter, alone and in a queue."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from bench.rows import Row, at_least, at_most
from bench.scene import Scene, running_scene

ROUNDS = 40
WARM_UP = 5
QUEUED = 200
GOAL_RATIO = 1.15
GOAL_EXTRA_SECONDS = 0.010
GOAL_THROUGHPUT = 0.7
IMPORTS = "import requests, pydantic"
ENTRY = f"""\
{IMPORTS}

from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    pass


@task(name="look", title="Look", type="collector")
def look(self, ctx):
    return {{"data": {{"answer": 42}}}}


@task(name="judge", title="Judge", type="insight", severity="low")
def judge(self, ctx):
    return {{"data": {{}}, "violation": ctx.get_data("look")["answer"] != 42}}
"""


def measure() -> list[Row]:
    """Measure both sides in turn, on one running API and worker."""
    files = {"integrations/bench/entry.py": ENTRY}
    with running_scene(files, [{"name": "bench", "title": "Bench"}]) as scene:
        names = [_deploy(scene) for _ in range(QUEUED)]
        python = scene.environment_python()
        for _ in range(WARM_UP):
            _bare_start(python)
            _job(scene, names[0])
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(_timed(lambda: _bare_start(python)))
            ours.append(_timed(lambda: _job(scene, names[0])))
        return [_latency(ours, bare), _throughput(scene, names, python)]


def _latency(ours: list[float], bare: list[float]) -> Row:
    middle, allowed = statistics.median(ours), statistics.median(bare)
    goal = GOAL_RATIO + GOAL_EXTRA_SECONDS / allowed
    what = f"job: submit -> result seen, p50 (goal {GOAL_RATIO} x + 10 ms)"
    return at_most(what, middle * 1000, allowed * 1000, "ms", round(goal, 3))


def _throughput(scene: Scene, names: list[str], python: Path) -> Row:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bare = _timed(lambda: list(pool.map(lambda _: _bare_start(python), names)))
    ours = _timed(lambda: _queue(scene, names))
    what = f"{QUEUED} queued jobs, against {os.cpu_count()} bare starts at a time"
    return at_least(what, QUEUED / ours, QUEUED / bare, "/s", GOAL_THROUGHPUT)


def _deploy(scene: Scene) -> str:
    name = f"bench-{uuid4()}"
    scene.api.post("/deployments", {"name": name, "integration": "bench", "config": {}})
    return name


def _job(scene: Scene, deployment: str) -> None:
    job = scene.api.post(f"/deployments/{deployment}/jobs")
    _expect_success(scene, job["job_id"])


def _queue(scene: Scene, names: list[str]) -> None:
    jobs = [scene.api.post(f"/deployments/{name}/jobs")["job_id"] for name in names]
    for job_id in jobs:
        _expect_success(scene, job_id)


def _expect_success(scene: Scene, job_id: str) -> None:
    job = scene.api.wait(job_id)
    if job["status"] != "success":
        raise RuntimeError(f"job {job_id} ended {job['status']}: {job['error']}")


def _bare_start(python: Path) -> None:
    subprocess.run([str(python), "-I", "-c", IMPORTS], check=True, timeout=60)


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
