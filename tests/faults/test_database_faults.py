"""Databases that fall, fill up, are locked or come from a backup, under a real API and worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.database import Database
from tests.faults.repository import Repository
from tests.faults.site import Site
from tests.postgres import PostgreSQL, mount_disk

Wait = Callable[..., Any]
OpenSite = Callable[..., Site]


@pytest.fixture
def deployment(site: Site, gate: Path) -> str:
    site.init()
    return site.deploy("gated", gate=str(gate))


def trueline(site: Site, *arguments: str) -> str:
    environ = {
        "PATH": os.environ["PATH"],
        "TRUELINE_DATA_DIR": str(site.path / "api"),
        "TRUELINE_DATABASE_URL": site.database_url,
    }
    command = [sys.executable, "-m", "cli.main", *arguments]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.both_databases
def test_leases_of_before_a_restore_are_refused_and_the_job_is_done_anew(
    site: Site, deployment: str, gate: Path, marked: Callable[[], Any], wait_until: Wait
) -> None:
    file = str(site.path / "records.backup")
    job_id = site.submit(deployment)
    trueline(site, "backup", file)
    worker = site.start_worker()  # its lease is one that the backup does not know
    wait_until(marked)
    site.api.stop()
    site.proxies[0].confirmed.clear()  # what was confirmed after the backup is lost with it
    trueline(site, "restore", file, "--replace")
    site.start_api()

    wait_until(lambda: worker.said("lease lost", job_id=job_id))
    wait_until(lambda: len(marked()) == 2)
    gate.touch()
    attempt = site.ended(job_id)["attempt"]
    assert attempt > 1000
    site.check_complete(job_id, attempt, "wait")


@pytest.mark.both_databases
def test_locked_database_is_503_with_retry_after(
    site: Site, deployment: str, database_kind: str
) -> None:
    other = Database(site.database_url or f"sqlite:///{site.path / 'api' / 'trueline.db'}")
    with other.write() as connection:
        if database_kind == "postgresql":
            connection.exec_driver_sql("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        answer = site.http.post(f"/api/v1/deployments/{deployment}/jobs")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    other.close()
    site.submit(deployment)


@pytest.fixture
def open_site(tmp_path: Path, environments: Path) -> Iterator[OpenSite]:
    """Open a site on a database of its own."""
    with ExitStack() as stack:

        def start(url: str, **settings: str) -> Site:
            repository = Repository(tmp_path / "site" / "source", ("gated",))
            site = Site(repository, environments, "sandbox", url, **settings)
            stack.callback(site.close)
            return site

        yield start


@pytest.mark.only_on("postgresql")
def test_postgresql_that_is_killed_costs_nothing_but_time(
    database_kind: str, open_site: OpenSite, wait_until: Wait
) -> None:
    assert database_kind == "postgresql"
    server = PostgreSQL(is_durable=True)
    try:
        # Two processes: each sees for itself that workers could not renew.
        site = open_site(server.url(server.create()), lease_seconds="6", api_processes="2")
        gate = site.path / "gate"
        site.init()
        worker = site.start_worker()
        deployment = site.deploy("gated", gate=str(gate))
        job_id = site.submit(deployment)
        # A lease alone may be forgotten: it is durable with the first report under it.
        wait_until(lambda: {one for one, _, _ in site.proxies[0].confirmed} == {job_id})

        server.kill()

        site.wait_leases(4)  # of the usual ones: longer than one of this API
        assert site.http.get(f"/api/v1/jobs/{job_id}").status_code == 503
        gate.touch()
        wait_until(lambda: worker.said("job ended", job_id=job_id))
        server.start()
        wait_until(lambda: site.http.get(f"/api/v1/jobs/{job_id}").status_code == 200)
        site.check_complete(job_id, 1, "wait")
        site.check_history()
        assert not worker.said("lease lost")
        assert not worker.said("report dropped")
    finally:
        server.close()


def fill(disk: Path) -> Path:
    """Use all the room that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filler


@pytest.fixture
def small_disk(tmp_path: Path, database_kind: str) -> Iterator[tuple[Path, str]]:
    """Return a small disk with the database on it, and the database's URL."""
    if database_kind == "postgresql":
        server = PostgreSQL(is_durable=True, disk_mb=200)
        try:
            yield server.folder / "data", server.url(server.create())
        finally:
            server.close()
        return
    disk = tmp_path / "disk"
    disk.mkdir()
    mount_disk(disk, 16)
    try:
        yield disk, f"sqlite:///{disk / 'trueline.db'}"
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True, timeout=60)


@pytest.mark.both_databases
def test_full_disk_is_told_and_room_heals_it(
    small_disk: tuple[Path, str], open_site: OpenSite, wait_until: Wait
) -> None:
    disk, url = small_disk
    site = open_site(url)
    site.init()
    deployment = site.deploy("gated", gate="/nowhere")
    filler = fill(disk)

    def post() -> httpx2.Response:
        body = {"config": {"gate": "x" * 900_000}}
        return site.http.patch(f"/api/v1/deployments/{deployment}", json=body)

    codes = {post().status_code for _ in range(12)}
    assert codes & {503, 507}, codes
    assert codes <= {200, 503, 507}
    filler.unlink()
    wait_until(lambda: post().status_code == 200)
    site.submit(deployment)
