"""What a job costs: forked from a warm process, in a queue, and with none that is warm yet."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from bench.plain_job import IMPORTS, deploy, end_of, entries_of, files_of, job_seconds
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
GOAL_FIRST = 1.1
EXCHANGES = 4  # of a job: it is made, leased, reported, and its end is waited for
ENVIRONMENTS = 12
ONE_WARM = MappingProxyType({"TRUELINE_WARM_PROCESSES": "1"})


def measure() -> list[Row]:
    """Measure both sides in turn, on a running API and worker."""
    return [*_measure_warm(), *_measure_cold(), *_measure_first()]


def _measure_warm() -> list[Row]:
    with _scene("bench") as scene:
        names = [deploy(scene, "bench") for _ in range(QUEUED)]
        python = scene.environment_python()
        with running_yardstick(python, IMPORTS, scene.data_dir) as yardstick:
            for _ in range(WARM_UP):
                yardstick.seconds()
                job_seconds(scene, names[0])
            least, empty, ours = [], [], []
            for _ in range(ROUNDS):
                least.append(yardstick.seconds())
                empty.append(_timed(lambda: _exchange_nothing(scene)))
                ours.append(job_seconds(scene, names[0]))
            return [*_latency(ours, least, empty), _throughput(scene, names, yardstick)]


def _latency(ours: list[float], least: list[float], empty: list[float]) -> list[Row]:
    middle, slow = statistics.median(ours) * 1000, statistics.quantiles(ours, n=20)[-1] * 1000
    fork, exchanges = statistics.median(least) * 1000, EXCHANGES * statistics.median(empty) * 1000
    what = "warm job: submit -> result seen, p50, against fork + pipe + durable row"
    also = f"the same, against that + {EXCHANGES} requests that do nothing"
    return [
        at_most(what, middle, fork, "ms", GOAL_WARM),
        Row(also, middle, fork + exchanges, "ms", "-", middle / (fork + exchanges), None),
        at_most("warm job: p95, against its p50", slow, middle, "ms", GOAL_TAIL),
    ]


def _throughput(scene: Scene, names: list[str], yardstick: Yardstick) -> Row:
    least = yardstick.seconds(QUEUED, os.cpu_count() or 1)
    ours = _timed(lambda: _queue(scene, names))
    what = f"{QUEUED} queued warm jobs, against as many forks + rows"
    return at_least(what, QUEUED / ours, QUEUED / least, "/s", GOAL_QUEUE)


def _measure_cold() -> list[Row]:
    """Let two integrations take turns where only one may be warm, so that no job finds one."""
    with _scene("one", "two", **ONE_WARM) as scene:
        names = [deploy(scene, "one"), deploy(scene, "two")]
        python = scene.environment_python()
        bare, ours = [], []
        for name in names * (COLD_ROUNDS // 2):
            bare.append(_timed(lambda: _bare_start(python)))
            ours.append(job_seconds(scene, name))
    middle, allowed = statistics.median(ours), statistics.median(bare)
    what = "first job, nothing warm yet: p50, against a bare interpreter"
    return [at_most(what, middle * 1000, allowed * 1000, "ms", GOAL_COLD)]


def _measure_first() -> list[Row]:
    """Compare the first job in a new environment with later ones of others, by turns.

    Once as a worker is set up, and once where none finds a warm process.
    """
    what = "first job after its environment was built, against later ones"
    return [
        at_most(what, *_first_and_later(), "ms", GOAL_FIRST),
        at_most(f"{what}, none warm", *_first_and_later(**ONE_WARM), "ms", GOAL_FIRST),
    ]


def _first_and_later(**settings: str) -> tuple[float, float]:
    names = [f"one{number}" for number in range(ENVIRONMENTS)]
    first, later = [], []
    with _scene(*names, **settings) as scene:
        deployed = [deploy(scene, name) for name in names]
        job_seconds(scene, deployed[0])  # what a first request costs the API is not meant
        for earlier, new in pairwise(deployed):
            first.append(job_seconds(scene, new))
            later.append(job_seconds(scene, earlier))
    return statistics.median(first) * 1000, statistics.median(later) * 1000


def _scene(*integrations: str, **settings: str) -> AbstractContextManager[Scene]:
    files = files_of(*integrations)
    for number, name in enumerate(integrations[2:]):  # an environment each beyond the first two
        files[f"integrations/{name}/requirements.txt"] = f"packaging>=20,!=0.{number}\n"
    return running_scene(files, entries_of(*integrations), **settings)


def _exchange_nothing(scene: Scene) -> None:
    scene.api.send("GET", "//health/live")


def _queue(scene: Scene, names: list[str]) -> None:
    jobs = [scene.api.post(f"/deployments/{name}/jobs")["job_id"] for name in names]
    for job_id in jobs:
        end_of(scene, job_id)


def _bare_start(python: Path) -> None:
    subprocess.run([str(python), "-I", "-c", IMPORTS], check=True, timeout=60)


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
