"""The parts of a running worker, made from its settings and put together; nothing starts here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import utils
from utils.checks import Checks
from utils.mirror import open_source
from utils.settings import Settings
from utils.snapshot import open_snapshots
from utils.tracing import Tracing, start_tracing
from worker.api_client import ApiClient
from worker.backoff import Backoff
from worker.catalogue_file import CatalogueFile
from worker.current_catalogue import CurrentCatalogue
from worker.data_directory import DataDirectory
from worker.environments import BuildOptions, Environments
from worker.execution import ProcessExecutor, WarmLimits
from worker.heartbeat import Heartbeat
from worker.held_leases import HeldLeases
from worker.isolation import Isolation
from worker.job_run import JobRunner, WorkerIdentity
from worker.large_files import LargeFiles
from worker.launcher import Launcher
from worker.leasing import Leasing, Room
from worker.metrics import Gauges, Run, WorkerMetrics
from worker.outbox import LIMIT_BYTES, Outbox
from worker.preparation import Preparation
from worker.presence import Identity, Presence
from worker.publishing import Publishing
from worker.reclaim import Reclaim
from worker.renewal import Renewal
from worker.requirements import read_base_requirements
from worker.sandbox import Sandbox
from worker.secret_references import SecretReferences
from worker.sender import Sender
from worker.sync import Sync
from worker.syncing import Syncing
from worker.timetable import Duties, Timetable
from worker.traced_executor import TracedExecutor
from worker.uploads import Uploads
from worker.worker_checks import add_checks, add_source_checks

MOST_SECONDS_TO_TRY = 15.0
SDK = Path(utils.__file__).parent


@dataclass(frozen=True)
class Ground:
    """What has to be there before anything else: it is opened first and closed last."""

    directory: DataDirectory
    launcher: Launcher
    executor: ProcessExecutor
    outbox: Outbox
    large: LargeFiles
    client: ApiClient
    isolation: Isolation
    references: SecretReferences
    sandbox: Sandbox | None = None

    def close(self) -> None:
        """Close everything; the outbox last but for the lock on the directory."""
        self.executor.close()
        self.launcher.close()
        self.client.close()
        self.outbox.close()
        self.directory.heartbeat.unlink(missing_ok=True)  # of a worker that was killed it stays
        self.directory.close()


@dataclass(frozen=True)
class Parts:
    """Everything that runs, each part in one or two threads of its own."""

    held: HeldLeases
    sender: Sender
    renewal: Renewal
    current: CurrentCatalogue
    sync: Sync
    publishing: Publishing
    syncing: Syncing
    leasing: Leasing
    timetable: Timetable
    presence: Presence
    checks: Checks
    metrics: WorkerMetrics
    tracing: Tracing


def make_parts(settings: Settings, environ: Mapping[str, str], ground: Ground) -> Parts:
    """Put the parts together."""
    metrics, checks = WorkerMetrics(), Checks()
    tracing = start_tracing("trueline-worker", environ)
    sync, reclaim = _make_sync(settings, environ, ground, metrics)
    current, warm = reclaim.current, ground.executor.warm
    publishing = Publishing(
        ground.client, current, sync, ground.isolation, warm.state, settings.egress
    )

    def tell() -> None:
        warm.retain(current.get().prepared)
        publishing.publish()

    syncing = Syncing(sync, current, tell, reclaim.run)
    held = HeldLeases()
    runner = _make_runner(settings, ground, current, syncing, tracing)
    leasing = _make_leasing(settings, ground, held, metrics.counted(runner.run), syncing)
    metrics.show(_gauges(ground, leasing, held))
    add_checks(checks, ground.directory.root, ground.isolation, ground.outbox)
    add_source_checks(checks, sync, current)
    checks.add("secrets", ground.references.check)
    presence = _make_presence(settings, ground, leasing, checks)
    heartbeat = _make_heartbeat(ground, leasing, sync, publishing)

    def beat() -> None:
        heartbeat.beat()
        presence.tell()

    duties = Duties(syncing.ask_sync, ground.client.tick, syncing.ask_reclaim, beat)
    return Parts(
        held=held,
        sender=_make_sender(settings, ground, held),
        renewal=Renewal(ground.client, held, ground.outbox.finished),
        current=current,
        sync=sync,
        publishing=publishing,
        syncing=syncing,
        leasing=leasing,
        timetable=Timetable(duties, settings.sync_seconds, settings.lease_seconds),
        presence=presence,
        checks=checks,
        metrics=metrics,
        tracing=tracing,
    )


def _gauges(ground: Ground, leasing: Leasing, held: HeldLeases) -> Gauges:
    warm = ground.executor.warm
    return Gauges(
        jobs_running=lambda: leasing.running,
        leases=lambda: len(held.good()) + len(ground.outbox.finished()),
        outbox=ground.outbox.depth,
        warm=warm.totals,
        started=warm.started,
    )


def _make_heartbeat(
    ground: Ground, leasing: Leasing, sync: Sync, publishing: Publishing
) -> Heartbeat:
    return Heartbeat(
        path=ground.directory.heartbeat,
        worker=ground.directory.worker,
        outbox=ground.outbox,
        leasing=leasing,
        sync=sync,
        current=publishing.current,
        publishing=publishing,
        warm=ground.executor.warm,
    )


def _make_sender(settings: Settings, ground: Ground, held: HeldLeases) -> Sender:
    # An API that comes back waits one lease for reports before it gives a job to another.
    backoff = Backoff(most_seconds=min(MOST_SECONDS_TO_TRY, settings.lease_seconds / 3))
    uploads = _make_uploads(settings, ground)
    return Sender(ground.outbox, ground.client.send, held, backoff, uploads)


def _make_presence(
    settings: Settings, ground: Ground, leasing: Leasing, checks: Checks
) -> Presence:
    identity = Identity(str(ground.isolation), settings.egress, settings.concurrency)
    return Presence(
        ground.client.tell_presence,
        identity,
        checks,
        lambda: leasing.running,
        ground.outbox.depth,
    )


def _make_uploads(settings: Settings, ground: Ground) -> Uploads:
    backoff = Backoff(most_seconds=min(MOST_SECONDS_TO_TRY, settings.lease_seconds / 3))
    return Uploads(ground.large, ground.client.upload, backoff, ground.outbox.wake)


def _make_sync(
    settings: Settings, environ: Mapping[str, str], ground: Ground, metrics: WorkerMetrics
) -> tuple[Sync, Reclaim]:
    directory = ground.directory
    snapshots = open_snapshots(open_source(directory.root / "source", settings, environ), settings)
    environments = open_environments(settings, environ, ground.sandbox)
    file = CatalogueFile(directory.catalogue, snapshots.mirror.source.shown)
    current = CurrentCatalogue(file.read(cache(snapshots.find), environments.existing))
    preparation = Preparation(
        environments, ground.executor, settings.source_builds_allowed, metrics.count_build
    )
    sync = Sync(snapshots, preparation, current, file, os.cpu_count() or 1)
    return sync, Reclaim(snapshots, environments, current)


def _make_runner(
    settings: Settings,
    ground: Ground,
    current: CurrentCatalogue,
    syncing: Syncing,
    tracing: Tracing,
) -> JobRunner:
    identity = WorkerIdentity(ground.directory.worker, ground.isolation, settings.keeps_debug_lines)
    executor = TracedExecutor(ground.executor, tracing)
    return JobRunner(current, syncing.freshen, executor, ground.outbox, identity, ground.references)


def _make_leasing(
    settings: Settings, ground: Ground, held: HeldLeases, run: Run, syncing: Syncing
) -> Leasing:
    room = Room.of(
        settings.concurrency, settings.lease_seconds, lambda: not ground.outbox.is_filling
    )
    return Leasing(ground.client, held, run, room, syncing.ask_sync)


def open_environments(
    settings: Settings, environ: Mapping[str, str], sandbox: Sandbox | None = None
) -> Environments:
    """Return the environments of the settings' data directory, built with this process's SDK."""
    directory = settings.data_dir / "environments"
    options = BuildOptions(
        environ=environ, timeout_seconds=settings.build_timeout_seconds, sandbox=sandbox
    )
    return Environments(directory, read_base_requirements(), SDK, options)


def outbox_limit_bytes(settings: Settings) -> int:
    """Return how much may wait to be sent: a few of the largest results at the least."""
    return max(LIMIT_BYTES, 2 * settings.result_limit_bytes)


def warm_limits_of(settings: Settings) -> WarmLimits:
    """Return how many warm processes there may be, and what they may take."""
    return WarmLimits(settings.warm_processes, settings.warm_memory_mb * 1024**2)
