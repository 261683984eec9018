"""What a job costs with much on record, beside what it costs with nothing."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.history import Template, fill, fill_queue, read_template
from bench.lone_api import LoneApi, running_api
from bench.plain_job import deploy, entries_of, files_of, job_seconds
from bench.rows import NotMeasured, Row, at_most
from bench.scene import Scene, running_scene

GOAL_JOB = 1.2
NEEDED_BYTES = 8_000_000_000  # the big database has 4 GB
BENCH = "bench"


@dataclass(frozen=True)
class Sizes:
    """How much is much, and how often each side is measured."""

    integrations: int = 500
    jobs: int = 1_000_000
    queued: int = 10_000
    rounds: int = 60
    warm_up: int = 10


Measured = Iterator[Row | NotMeasured]
Act = Callable[[], float]


def measure(sizes: Sizes = Sizes()) -> Measured:
    """Measure both sides by turns: other load hits both."""
    with running_scene(files_of(BENCH), entries_of(BENCH)) as small:
        yield from _integrations(small, sizes)
        yield from _history(small, sizes)
    yield from _queue(sizes)


def _integrations(small: Scene, sizes: Sizes) -> Measured:
    names = [f"integration_{number:03}" for number in range(sizes.integrations)]
    with running_scene(files_of(*names), entries_of(*names)) as large:
        what = f"warm job, p50: {sizes.integrations} integrations ready, beside 1"
        middle = _jobs(large, names[sizes.integrations // 2])
        yield _row(what, sizes, middle, _jobs(small, BENCH))


def _history(small: Scene, sizes: Sizes) -> Measured:
    name = f"{sizes.jobs:,} jobs of history"
    if shutil.disk_usage(tempfile.gettempdir()).free < NEEDED_BYTES:
        yield NotMeasured(name, f"{tempfile.gettempdir()} has less than 8 GB left")
        return
    template = _template(small)
    with running_scene(
        files_of(BENCH), entries_of(BENCH), lambda data_dir: fill(data_dir, template, sizes.jobs)
    ) as large:
        what = f"warm job, p50: {name}, beside none"
        yield _row(what, sizes, _jobs(large, BENCH), _jobs(small, BENCH))


def _queue(sizes: Sizes) -> Measured:
    """Post a job and lease one: with jobs of others in front of it, and with none."""
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as folder:
        deep, empty = Path(folder, "deep"), Path(folder, "empty")
        settings = {"TRUELINE_LEASE_SECONDS": "3600"}
        with running_api(deep, **settings) as loaded, running_api(empty, **settings) as idle:
            fill_queue(deep, loaded.deploy("other"), sizes.queued)
            sides = [_turns(api) for api in (loaded, idle)]
            what = f"post a job + lease one, p50: {sizes.queued:,} in the queue, beside none"
            yield _row(what, sizes, *sides)


def _turns(api: LoneApi) -> Act:
    api.deploy(BENCH)
    return partial(_seconds, lambda: (api.post(f"/deployments/{BENCH}/jobs", {}), api.lease()))


def _jobs(scene: Scene, integration: str) -> Act:
    return partial(job_seconds, scene, deploy(scene, integration))


def _template(scene: Scene) -> Template:
    (job,) = scene.api.items("/jobs", 1, status="success")
    return read_template(scene.data_dir, job["id"])


def _row(what: str, sizes: Sizes, much: Act, little: Act) -> Row:
    for _ in range(sizes.warm_up):
        much()
        little()
    times: dict[Act, list[float]] = {much: [], little: []}
    for number in range(sizes.rounds):
        for side in (much, little) if number % 2 else (little, much):
            times[side].append(side())
    ours, beside = (statistics.median(times[side]) * 1000 for side in (much, little))
    return at_most(what, ours, beside, "ms", GOAL_JOB)


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
