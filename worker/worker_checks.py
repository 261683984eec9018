"""The checks of what a worker depends on; it reports them with its heartbeat."""

import os
import shutil
from pathlib import Path

from utils.checks import Checks
from worker.current_catalogue import CurrentCatalogue
from worker.errors import WorkerError
from worker.isolation import Isolation
from worker.outbox import Outbox
from worker.sync import Sync

LEAST_FREE_BYTES = 256 * 1024 * 1024
MOST_NAMED = 10


def add_checks(checks: Checks, directory: Path, isolation: Isolation, outbox: Outbox) -> None:
    """Add what a worker stands on."""
    checks.add("data directory", lambda: _check_directory(directory))
    checks.add("isolation", lambda: str(isolation))
    checks.add("outbox", lambda: _check_outbox(outbox))


def add_source_checks(checks: Checks, sync: Sync, current: CurrentCatalogue) -> None:
    """Add what a worker takes jobs from."""
    checks.add("source", lambda: _check_source(sync))
    checks.add("environments", lambda: _check_environments(current))


def _check_directory(directory: Path) -> str:
    if not os.access(directory, os.W_OK):
        raise WorkerError(f"{directory} cannot be written to", "correct its owner and mode")
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < LEAST_FREE_BYTES:
        raise WorkerError(
            f"the data directory has {free_bytes} bytes left, less than {LEAST_FREE_BYTES}",
            "make room: jobs and builds fail without",
        )
    return f"{free_bytes // 1024**2} MiB free"


def _check_outbox(outbox: Outbox) -> str:
    depth = outbox.depth()
    if outbox.is_filling:
        raise WorkerError(
            f"{depth.size_bytes} bytes of reports wait for the API, since"
            f" {depth.oldest_seconds:.0f} s; no new jobs are taken",
            "find out why the API takes no reports: see the check named API",
        )
    return f"{depth.events} events wait"


def _check_source(sync: Sync) -> str:
    problem = sync.state.problem
    if problem is not None:
        raise WorkerError(problem.reason, problem.advice)
    return f"{sync.source.shown} ({sync.source.ref})"


def _check_environments(current: CurrentCatalogue) -> str:
    """Fail for builds that may go well another time; what its author has to mend is no fault."""
    offers = current.get().offers
    unbuilt = sorted(name for name, offer in offers.items() if offer.retry)
    if unbuilt:
        named = ", ".join(unbuilt[:MOST_NAMED])
        more = f" and {len(unbuilt) - MOST_NAMED} more" if len(unbuilt) > MOST_NAMED else ""
        raise WorkerError(
            f"{len(unbuilt)} of {len(offers)} environments could not be built: {named}{more}",
            "see `trueline integrations`: each says why; it is tried again at the next sync",
        )
    ready = sum(offer.is_ready for offer in offers.values())
    return f"{ready} of {len(offers)} integrations ready"
