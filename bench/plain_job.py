"""The smallest integration that imports what others do, its deployments and its jobs."""

import time
from uuid import uuid4

from bench.scene import Scene

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


def files_of(*integrations: str) -> dict[str, str]:
    """Return the files of a source with these integrations, all alike."""
    return {f"integrations/{name}/entry.py": ENTRY for name in integrations}


def entries_of(*integrations: str) -> list[dict[str, str]]:
    """Return their entries in the manifest."""
    return [{"name": name, "title": name} for name in integrations]


def deploy(scene: Scene, integration: str) -> str:
    """Make a deployment; return its name."""
    name = f"bench-{uuid4()}"
    scene.api.post("/deployments", {"name": name, "integration": integration, "config": {}})
    return name


def job_seconds(scene: Scene, deployment: str) -> float:
    """Run a job; return how long it took from submitting it until its end was seen."""
    started = time.perf_counter()
    end_of(scene, scene.api.post(f"/deployments/{deployment}/jobs")["job_id"])
    return time.perf_counter() - started


def end_of(scene: Scene, job_id: str) -> None:
    """Wait for the end of a job, which has to be a good one."""
    job = scene.api.wait(job_id)
    if job["status"] != "success":
        raise RuntimeError(f"job {job_id} ended {job['status']}: {job['error']}")
