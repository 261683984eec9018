"""What an API says of itself and of its workers, as checks of `trueline doctor`."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.client import ApiProblem, Client
from utils.checks import Check
from worker.controls import neutralise

API, WORKER = "API", "worker"
MOST_WEBHOOKS = 100  # as many as an API has
RESTART = "start it again, or read its log: a job that it had is given to another worker"


def api_checks(ready: Mapping[str, Any]) -> Iterator[Check]:
    """Yield each check of `/health/ready`."""
    for check in ready["checks"]:
        yield Check(
            f"{API} {check['name']}",
            float(check["seconds"]),
            _text(check["error"]),
            _text(check["advice"]),
            _text(check.get("detail")) or "",
        )


def worker_checks(client: Client) -> Iterator[Check]:
    """Yield how each worker is that the API knows of."""
    try:
        workers = client.get("/workers")["items"]
    except ApiProblem as problem:  # an older API has no such list
        yield Check("workers", 0.0, problem.reason, problem.advice)
        return
    for worker in workers:
        yield worker_check(worker)


def webhook_checks(client: Client) -> Iterator[Check]:
    """Yield each webhook that needs somebody; nothing where the token may not see them."""
    try:
        webhooks = client.get("/webhooks", limit=MOST_WEBHOOKS)["items"]
    except ApiProblem:
        return
    yield from (webhook_check(one) for one in webhooks if one["problem"])


def webhook_check(webhook: Mapping[str, Any]) -> Check:
    """Say what is wrong with a webhook that has a problem."""
    problem = webhook["problem"]
    name = f"webhook {neutralise(webhook['name'])}"
    return Check(name, 0.0, _text(problem["reason"]), _text(problem["advice"]))


def worker_check(worker: Mapping[str, Any]) -> Check:
    """Say how one worker is: silent, in need of somebody, or well."""
    name = f"{WORKER} {neutralise(worker['name'])}"
    seen = f"last seen {worker['silent_seconds']:.0f} s ago"
    about = f"version {neutralise(worker['version'])}, {neutralise(worker['isolation'])}"
    if worker["state"] == "silent":
        return Check(name, 0.0, f"silent: {seen}, {about}", RESTART)
    if worker["state"] == "stopped":
        return Check(name, 0.0, detail=f"stopped, {seen}, {about}")
    failed = [check for check in worker["checks"] if check["error"]]
    if failed:
        told = "; ".join(f"{neutralise(it['name'])}: {neutralise(it['error'])}" for it in failed)
        return Check(name, 0.0, f"{seen}: {told}", neutralise(failed[0]["advice"] or ""))
    jobs = f"{worker['jobs_running']} of {worker['concurrency']} jobs"
    return Check(name, 0.0, detail=f"{seen}, {about}, {jobs}")


def _text(value: str | None) -> str | None:
    return None if value is None else neutralise(value)
