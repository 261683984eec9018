"""Starts the API: settings, database, listener, server."""

import argparse
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import structlog
from flask import Flask

from api.app import create_app
from api.database import Database
from api.database_use import share
from api.listener import address_of, announce, check_exposure, listen, withdraw
from api.migrate import migrate
from api.retention import Retention
from api.server import Server
from api.state import state_of
from utils.errors import TruelineError
from utils.files import keep_files_private, make_data_directory
from utils.logs import configure_logs
from utils.settings import Settings, read_settings

ABOUT = "The API. Its settings are TRUELINE_ variables: see docs/operating.md."

log = structlog.get_logger()


def main() -> int:
    """Serve until told to stop; 2 means that it could not start."""
    argparse.ArgumentParser(prog="python -m api", description=ABOUT).parse_args()
    keep_files_private()
    environ = dict(os.environ)
    try:
        settings = read_settings(environ, Path.cwd())
        configure_logs(settings.log_format)
        check_exposure(settings)
        listener = listen(settings.api_host, settings.api_port)
        in_use = _prepare_database(settings)
    except TruelineError as error:
        sys.stderr.write(f"trueline api: {error.reason}\n  {error.advice}\n")
        return 2
    with in_use or nullcontext():
        _make_server(settings, environ, listener).run()
    return 0


def _prepare_database(settings: Settings) -> BinaryIO | None:
    make_data_directory(settings.data_dir)
    database = Database(settings.database)
    in_use = share(database)
    revision = migrate(database)
    database.close()  # the serving process opens its own, after the fork
    log.info("database ready", kind=database.kind, revision=revision)
    return in_use


def _make_server(settings: Settings, environ: Mapping[str, str], listener: socket.socket) -> Server:
    address = address_of(listener)

    def started() -> None:
        log.info("API listening", address=address)
        announce(settings.data_dir, address)  # last: who waits for the file finds all the rest done

    def stopped() -> None:
        withdraw(settings.data_dir, address)
        log.info("API stopped", address=address)

    return Server(listener, lambda: _make_app(settings, environ), started, stopped)


def _make_app(settings: Settings, environ: Mapping[str, str]) -> Flask:
    app: Flask = create_app(settings, environ=environ)
    state = state_of(app)
    retention = Retention(state.database, settings, state.clock)
    Thread(target=retention.run_until, args=(Event(),), name="retention", daemon=True).start()
    return app


if __name__ == "__main__":
    sys.exit(main())
