"""Large results: their way out of a job, and what worker and API take in memory for them."""

import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psutil

from bench.rows import Row, at_most
from bench.scene import Scene, running_scene

MEGABYTE = 10**6
ROUNDS = 7
GOAL_TIME = 1.3
GOAL_MEMORY = 1.3
SMALL_MB, LARGE_MB, TIMED_MB = 10, 500, 50
RECORDS = """\
def records(megabytes):
    return {"items": [
        {"id": f"i-{i:08x}", "name": f"server-{i}.example.com", "region": "eu-west-1",
         "size": i * 37 % 10000, "load": i % 1000 / 7, "public": i % 3 == 0, "owner": None,
         "tags": ["a", "b", f"team-{i % 50}"],
         "note": f"Lorem ipsum dolor sit amet, caf\\u00e9 {i}"}
        for i in range(megabytes * 4800)
    ]}
"""
ENTRY = f"""\
from utils.base_runner import BaseRunner
from utils.decorators import task

{RECORDS}

class Runner(BaseRunner):
    class StageOne(BaseRunner.StageOne):
        def start(self):
            return {{"data": records(self.config["megabytes"])}}


@task(name="many", title="Many", type="collector")
def many(self, ctx):
    return {{"data": ctx.base("data")}}
"""
# Fork from a process that has the same data, encode with msgspec, a pipe, decode on the other side.
YARDSTICK = f"""\
import os, sys, time
import msgspec

{RECORDS}

data = records({TIMED_MB})
for line in sys.stdin:
    began = time.perf_counter()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        left = memoryview(msgspec.json.encode(data))
        while left:
            left = left[os.write(write, left):]
        os._exit(0)
    os.close(write)
    pieces = []
    while piece := os.read(read, 1024 * 1024):
        pieces.append(piece)
    os.close(read)
    os.waitpid(pid, 0)
    piped = time.perf_counter() - began
    msgspec.json.decode(b"".join(pieces))
    print(piped, time.perf_counter() - began, flush=True)
"""


def measure() -> list[Row]:
    """Measure time and memory on a running API and worker."""
    settings = {
        "TRUELINE_RESULT_LIMIT_BYTES": str(1000 * MEGABYTE),
        "TRUELINE_MEMORY_LIMIT_MB": "8192",
        "TRUELINE_CONCURRENCY": "1",
    }
    files = {"integrations/large/entry.py": ENTRY}
    with running_scene(files, [{"name": "large", "title": "Large"}], **settings) as scene:
        return [*_measure_time(scene), *_measure_memory(scene)]


def _measure_time(scene: Scene) -> list[Row]:
    _deploy(scene, TIMED_MB)
    with _yardstick() as seconds:
        ours, piped, decoded = [], [], []
        for _ in range(ROUNDS):
            ours.append(_task_seconds(scene, _run(scene, TIMED_MB)))
            bare = seconds()
            piped.append(bare[0])
            decoded.append(bare[1])
    middle = statistics.median(ours) * 1000
    what = f"{TIMED_MB} MB returned -> checked, compressed, on disk"
    return [
        at_most(
            f"{what}: msgspec, pipe, decode",
            middle,
            statistics.median(decoded) * 1000,
            "ms",
            GOAL_TIME,
        ),
        at_most(
            "  the same: msgspec, pipe, nothing checked",
            middle,
            statistics.median(piped) * 1000,
            "ms",
            GOAL_TIME,
        ),
    ]


def _measure_memory(scene: Scene) -> list[Row]:
    rows = []
    peaks = {}
    for megabytes in (SMALL_MB, LARGE_MB):
        _deploy(scene, megabytes)
        with _memory_peaks(scene) as peaks[megabytes]:
            _run(scene, megabytes)
    for name in peaks[SMALL_MB]:
        what = f"memory of the {name}, {LARGE_MB} MB of data beside {SMALL_MB} MB"
        large, small = peaks[LARGE_MB][name], peaks[SMALL_MB][name]
        rows.append(at_most(what, large, small, "MB", GOAL_MEMORY))
    return rows


def _deploy(scene: Scene, megabytes: int) -> None:
    body = {
        "name": f"large-{megabytes}",
        "integration": "large",
        "config": {"megabytes": megabytes},
    }
    scene.api.post("/deployments", body)


def _run(scene: Scene, megabytes: int) -> str:
    job_id = str(scene.api.post(f"/deployments/large-{megabytes}/jobs")["job_id"])
    job = scene.api.wait(job_id)
    if job["status"] != "success":
        raise RuntimeError(f"job {job_id} ended {job['status']}: {job['error']}")
    (result,) = scene.api.get(f"/jobs/{job_id}/tasks")["items"]
    if result["large_data"]["size_bytes"] < 0.9 * megabytes * MEGABYTE:
        raise RuntimeError(f"only {result['large_data']['size_bytes']} bytes")
    return job_id


def _task_seconds(scene: Scene, job_id: str) -> float:
    at = {
        event["type"]: datetime.fromisoformat(event["at"])
        for event in scene.api.follow(job_id)
        if event["type"] in {"task_started", "task_finished"}
    }
    return (at["task_finished"] - at["task_started"]).total_seconds()


@contextmanager
def _yardstick() -> Iterator["_Seconds"]:
    argv = [sys.executable, "-c", YARDSTICK]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        yield _Seconds(process)


class _Seconds:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self) -> tuple[float, float]:
        if not (self._process.stdin and self._process.stdout):
            raise RuntimeError("no pipes")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        piped, decoded = map(float, self._process.stdout.readline().split())
        return piped, decoded


@contextmanager
def _memory_peaks(scene: Scene) -> Iterator[dict[str, float]]:
    """Watch the worker and the serving processes of the API."""
    peaks: dict[str, float] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            for name, pid in scene.pids.items():
                size = sum(_resident(one) for one in _processes(name, pid)) / MEGABYTE
                peaks[name] = max(peaks.get(name, 0.0), size)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _processes(name: str, pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children()] if name.startswith("api") else [process]


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
