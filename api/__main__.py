"""Starts the API: settings, database, listener, server."""

import argparse
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from api.app import create_app
from api.database import Database
from api.listener import address_of, announce, check_exposure, listen, withdraw
from api.migrate import migrate
from api.server import Server
from utils.errors import TruelineError
from utils.files import keep_files_private, make_data_directory
from utils.logs import configure_logs
from utils.process_variables import take_variables
from utils.settings import Settings, read_settings

ABOUT = "The API. Its settings are TRUELINE_ variables: see docs/operating.md."

log = structlog.get_logger()


def main() -> int:
    """Serve until told to stop; 2 means that it could not start."""
    argparse.ArgumentParser(prog="python -m api", description=ABOUT).parse_args()
    keep_files_private()
    environ = take_variables()
    try:
        settings = read_settings(environ, Path.cwd())
        configure_logs(settings.log_format)
        check_exposure(settings)
        listener = listen(settings.api_host, settings.api_port)
        _prepare_database(settings)
    except TruelineError as error:
        sys.stderr.write(f"trueline api: {error.reason}\n  {error.advice}\n")
        return 2
    _make_server(settings, environ, listener).run()
    return 0


def _prepare_database(settings: Settings) -> None:
    make_data_directory(settings.data_dir)
    database = Database(settings.database)
    revision = migrate(database)
    database.close()  # the serving process opens its own, after the fork
    log.info("database ready", revision=revision)


def _make_server(settings: Settings, environ: Mapping[str, str], listener: socket.socket) -> Server:
    address = address_of(listener)

    def started() -> None:
        log.info("API listening", address=address)
        announce(settings.data_dir, address)  # last: who waits for the file finds all the rest done

    def stopped() -> None:
        withdraw(settings.data_dir, address)
        log.info("API stopped", address=address)

    return Server(listener, lambda: create_app(settings, environ=environ), started, stopped)


if __name__ == "__main__":
    sys.exit(main())
