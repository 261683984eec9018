"""Starts the API: settings, database, listener, server."""

import shutil
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import structlog
from flask import Flask
from prometheus_client.multiprocess import mark_process_dead

from api.app import create_app
from api.background import Background
from api.backup import sweep_copies
from api.database import Database
from api.database_use import share
from api.listener import address_of, announce, check_exposure, listen, withdraw
from api.metrics import share_values, shared_metrics_of
from api.migrate import migrate
from api.oidc_registration import registration_of
from api.receiver_address import exemptions_of
from api.retention import Retention
from api.server import Life, Server
from api.signing_key import read_signing_keys
from api.state import State, state_of
from utils.checks import log_checks
from utils.errors import TruelineError
from utils.files import keep_files_private, make_data_directory
from utils.logs import configure_logs
from utils.process_variables import take_variables
from utils.settings import Settings, read_settings
from utils.settings_help import parse_arguments
from utils.steps import logged_step
from utils.tracing import start_tracing

ABOUT = "The API. Each setting is a flag, a TRUELINE_ variable or a line of a file."

log = structlog.get_logger()


def main() -> int:
    """Serve until told to stop; 2 means that it could not start."""
    arguments = parse_arguments("python -m api", ABOUT)
    keep_files_private()
    environ = take_variables()
    try:
        settings = read_settings(environ, Path.cwd(), arguments)
        log_format = configure_logs(settings.log_format)
        settings = settings.model_copy(update={"log_format": log_format})
        _check_access(settings)
        exemptions_of(settings.notify_private)
        make_data_directory(settings.data_dir)
        with logged_step("listener"):
            listener = listen(settings.api_host, settings.api_port)
        with logged_step("database"):
            in_use = _prepare(settings)
    except TruelineError as error:
        sys.stderr.write(f"trueline api: {error.reason}\n  {error.advice}\n")
        return 2
    life = _life(settings, environ, address_of(listener))
    with in_use or nullcontext():
        Server(listener, life, settings.api_processes).run()
    return 0


def _check_access(settings: Settings) -> None:
    check_exposure(settings)
    registration_of(settings)
    if settings.signing_key_file is not None:
        read_signing_keys(settings.signing_key_file)


def _prepare(settings: Settings) -> BinaryIO | None:
    """Do once what serving processes must not do side by side."""
    database = Database(settings.database)
    in_use = share(database)
    revision = migrate(database)
    sweep_copies(database)
    database.close()  # each serving process opens its own, after the fork
    log.info("database ready", kind=database.kind, revision=revision)
    if shared := shared_metrics_of(settings):
        shutil.rmtree(shared, ignore_errors=True)
        shared.mkdir(mode=0o700)
    return in_use


def _life(settings: Settings, environ: Mapping[str, str], address: str) -> Life:
    shared = shared_metrics_of(settings)

    def make_app() -> Flask:
        if shared:
            share_values(shared)
        with logged_step("app"):
            tracing = start_tracing("trueline-api", environ)
            app = create_app(settings, environ=environ, tracing=tracing)
        log_checks(state_of(app).checks.run())
        Background(state_of(app)).start()
        _start_retention(state_of(app))
        return app

    def started() -> None:
        log.info("API listening", address=address)
        announce(settings.data_dir, address)  # last: who waits for the file finds all the rest done

    def child_ended(pid: int) -> None:
        if shared:
            mark_process_dead(pid, str(shared))  # type: ignore[no-untyped-call]  # it has no types

    def stopped() -> None:
        withdraw(settings.data_dir, address)
        log.info("API stopped", address=address)

    return Life(make_app, started, child_ended, stopped)


def _start_retention(state: State) -> None:
    retention = Retention(state.database, state.settings, state.clock)
    stop = Event()
    state.stops.add("retention", stop.set)
    Thread(target=retention.run_until, args=(stop,), name="retention", daemon=True).start()
