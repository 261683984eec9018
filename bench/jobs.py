"""What a job costs: forked from a warm process, in a queue, and with none that is warm yet."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from uuid import uuid4

from bench.rows import Row, at_least, at_most
from bench.scene import Scene, running_scene
from bench.yardstick import Yardstick, running_yardstick

ROUNDS = 100
COLD_ROUNDS = 20
WARM_UP = 10
QUEUED = 200
GOAL_WARM = 3.0
GOAL_TAIL = 2.0
GOAL_QUEUE = 0.5
GOAL_COLD = 1.15
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
    """Measure both sides in turn, on a running API and worker."""
    return [*_measure_warm(), *_measure_cold()]


def _measure_warm() -> list[Row]:
    with _scene("bench") as scene:
        names = [_deploy(scene, "bench") for _ in range(QUEUED)]
        python = scene.environment_python()
        with running_yardstick(python, IMPORTS, scene.data_dir) as yardstick:
            for _ in range(WARM_UP):
                yardstick.seconds()
                _job(scene, names[0])
            least, ours = [], []
            for _ in range(ROUNDS):
                least.append(yardstick.seconds())
                ours.append(_timed(lambda: _job(scene, names[0])))
            return [*_latency(ours, least), _throughput(scene, names, yardstick)]


def _latency(ours: list[float], least: list[float]) -> list[Row]:
    middle, slow = statistics.median(ours), statistics.quantiles(ours, n=20)[-1]
    what = "warm job: submit -> result seen, p50, against fork + pipe + durable row"
    return [
        at_most(what, middle * 1000, statistics.median(least) * 1000, "ms", GOAL_WARM),
        at_most("warm job: p95, against its p50", slow * 1000, middle * 1000, "ms", GOAL_TAIL),
    ]


def _throughput(scene: Scene, names: list[str], yardstick: Yardstick) -> Row:
    least = yardstick.seconds(QUEUED, os.cpu_count() or 1)
    ours = _timed(lambda: _queue(scene, names))
    what = f"{QUEUED} queued warm jobs, against as many forks + rows"
    return at_least(what, QUEUED / ours, QUEUED / least, "/s", GOAL_QUEUE)


def _measure_cold() -> list[Row]:
    """Let two integrations take turns where only one may be warm, so that no job finds one."""
    with _scene("one", "two", TRUELINE_WARM_PROCESSES="1") as scene:
        names = [_deploy(scene, "one"), _deploy(scene, "two")]
        python = scene.environment_python()
        bare, ours = [], []
        for name in names * (COLD_ROUNDS // 2):
            bare.append(_timed(lambda: _bare_start(python)))
            ours.append(_timed(partial(_job, scene, name)))
    middle, allowed = statistics.median(ours), statistics.median(bare)
    what = "first job, nothing warm yet: p50, against a bare interpreter"
    return [at_most(what, middle * 1000, allowed * 1000, "ms", GOAL_COLD)]


def _scene(*integrations: str, **settings: str) -> AbstractContextManager[Scene]:
    files = {f"integrations/{name}/entry.py": ENTRY for name in integrations}
    entries = [{"name": name, "title": name} for name in integrations]
    return running_scene(files, entries, **settings)


def _deploy(scene: Scene, integration: str) -> str:
    name = f"bench-{uuid4()}"
    scene.api.post("/deployments", {"name": name, "integration": integration, "config": {}})
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
