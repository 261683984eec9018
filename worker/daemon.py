"""The worker as a process: an ordered start, each step logged, and an ordered end."""

import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from utils.checks import log_checks
from utils.settings import Settings
from utils.steps import Stops, logged_step
from worker.api_client import ApiClient
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.backoff import Backoff
from worker.commons import Commons
from worker.data_directory import DataDirectory
from worker.errors import WorkerError
from worker.execution import ProcessExecutor
from worker.isolation import choose_isolation
from worker.large_files import Attempt, LargeFiles
from worker.launcher import Launcher
from worker.loopback import shut_loopback
from worker.outbox import Outbox
from worker.parts import Ground, Parts, make_parts, outbox_limit_bytes, warm_limits_of
from worker.secret_references import SecretReferences
from worker.stop_requests import StopRequests
from worker.warm import NONE_WARM

LAST_POLL_SECONDS = 10.0
HURRIED_POLL_SECONDS = 3.0  # a poll that is still under way would take what is handed back
INTERRUPT_SECONDS = 10.0
FLUSH_SECONDS = 5.0
LOOK_SECONDS = 0.05
REMIND_SECONDS = 60.0

log = structlog.get_logger()


def run_daemon(settings: Settings, environ: Mapping[str, str], stops: StopRequests) -> None:
    """Run until a signal asks for the end; raises TruelineError when it cannot start or go on."""
    began = time.monotonic()
    ground = open_ground(settings, environ)
    try:
        with logged_step("api"):
            wait_for_api(ground.client, stops)
        parts = make_parts(settings, environ, ground)
        ending = Stops()
        ending.add("traces", parts.tracing.stop)
        try:
            _serve_metrics(parts, settings.worker_metrics_port, ending)
            parts.sender.start()
            start(parts, stops)
            if not stops.asked.is_set():
                seconds = round(time.monotonic() - began, 3)
                level, egress = str(ground.isolation), settings.egress
                log_checks(parts.checks.run())
                log.info("worker ready", seconds=seconds, isolation=level, egress=egress)
            stops.asked.wait()
        finally:
            stop(ground, parts, settings.drain_seconds, stops)
            ending.run()
    finally:
        ground.close()
    log.info("worker stopped")
    if stops.crash:
        raise WorkerError(
            f"the worker's thread {stops.crash!r} crashed", "see the error above; start it again"
        )


def open_ground(settings: Settings, environ: Mapping[str, str]) -> Ground:
    """Open what everything stands on; the launcher's process starts before any thread does."""
    with logged_step("isolation"):
        choice = shut_loopback(choose_isolation(settings.isolation), settings)
        choice.check_egress(settings.egress)
        sandbox = choice.build_sandbox(settings, environ)
    with logged_step("data directory"):
        directory = DataDirectory.open(settings.data_dir)
    with logged_step("references to secrets"):
        references = open_references(settings, environ)
    with logged_step("launcher"):
        launcher = Launcher.start()
        large = LargeFiles(directory.large)
        host = choice.host(launcher, settings, environ)
        executor = ProcessExecutor(
            replace(host, commons=Commons.start(settings)),
            directory.jobs,
            warm_limits_of(settings) if choice.may_be_warm else NONE_WARM,
            large,
        )
        executor.sweep()
    with logged_step("outbox"):
        outbox = Outbox(directory.outbox, outbox_limit_bytes(settings))
        large.sweep([Attempt(lease.job_id, lease.attempt) for lease in outbox.leases()])
    client = ApiClient(settings.api_url, settings.bearer_token, directory.worker)
    return Ground(
        directory, launcher, executor, outbox, large, client, choice.level, references, sandbox
    )


def open_references(settings: Settings, environ: Mapping[str, str]) -> SecretReferences:
    """Make ready what jobs' secrets come from; only settings that cannot be right are refused."""
    references = SecretReferences.of(settings, environ)
    try:
        references.check()
    except WorkerError as error:  # jobs that need none go on
        log.warning("secrets cannot be fetched", reason=error.reason, advice=error.advice)
    return references


def _serve_metrics(parts: Parts, port: int, ending: Stops) -> None:
    if port:
        with logged_step("metrics"):
            ending.add("metrics", parts.metrics.serve(port))


def wait_for_api(client: ApiClient, stops: StopRequests) -> None:
    """Wait until the API answers, however long that takes."""
    backoff = Backoff(most_seconds=5.0)
    reminded_at = float("-inf")
    while not stops.asked.is_set():
        try:
            client.check()
        except (ApiUnavailable, ApiRefused) as error:
            if time.monotonic() - reminded_at > REMIND_SECONDS:
                reminded_at = time.monotonic()
                log.warning("waiting for the API", reason=error.reason, advice=error.advice)
            stops.asked.wait(backoff.next())
        else:
            return


def start(parts: Parts, stops: StopRequests) -> None:
    """Take the first commit, tell the API, then begin to take jobs."""
    backoff = Backoff(first_seconds=1.0)
    while not stops.asked.is_set():
        parts.sync.run(logged_step)
        if parts.current.get().commit is not None:
            break
        parts.publishing.publish()  # so that people see why nothing runs
        parts.presence.tell()
        stops.asked.wait(backoff.next())
    if stops.asked.is_set():
        return
    with logged_step("catalogue"):
        parts.publishing.publish()
    with logged_step("schedule and consumers"):
        parts.renewal.start()
        parts.syncing.start()
        parts.timetable.start()
        parts.leasing.start()


def stop(ground: Ground, parts: Parts, drain_seconds: float, stops: StopRequests) -> None:
    """Let jobs finish or hand them back, deliver what they reported, and end every thread."""
    parts.leasing.take_no_more()
    log.info("worker stopping", jobs_running=parts.leasing.running)
    with logged_step("schedule and consumers", "stop"):
        parts.timetable.stop()
        parts.leasing.stop(HURRIED_POLL_SECONDS if stops.hurry.is_set() else LAST_POLL_SECONDS)
        parts.syncing.stop(0.0)
    with logged_step("jobs", "stop"):
        if not _drained(parts, drain_seconds, stops):
            log.warning("jobs interrupted", jobs_running=parts.leasing.running)
            parts.held.interrupt()
            parts.leasing.wait_until_idle(INTERRUPT_SECONDS)
    with logged_step("outbox", "stop"):
        ground.outbox.wait_until_empty(FLUSH_SECONDS)
    with logged_step("leases", "stop"):
        _hand_back(ground, parts)
        parts.renewal.stop()
        parts.sender.stop()
        parts.presence.tell_end()


def _drained(parts: Parts, drain_seconds: float, stops: StopRequests) -> bool:
    end = time.monotonic() + drain_seconds
    while not stops.hurry.is_set() and time.monotonic() < end:
        if parts.leasing.wait_until_idle(LOOK_SECONDS):
            return True
    return parts.leasing.running == 0


def _hand_back(ground: Ground, parts: Parts) -> None:
    leases = parts.leasing.given_up()
    if not leases:
        return
    try:
        released = ground.client.release(leases)
    except WorkerError as error:
        log.warning("jobs not handed back", reason=error.reason, advice=error.advice)
        return
    log.info("jobs handed back", jobs=list(released))
