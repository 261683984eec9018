"""`python -m worker`: the daemon."""

import os
import sys
from pathlib import Path

import structlog

from utils.errors import SettingsError, SourceError, TruelineError
from utils.files import keep_files_private
from utils.logs import configure_logs
from utils.process_variables import take_variables
from utils.settings import read_settings
from utils.settings_help import parse_arguments
from utils.source import source_from_settings
from worker.daemon import run_daemon
from worker.isolation import IsolationMissing
from worker.stop_requests import StopRequests

ABOUT = "The worker. Each setting is a flag, a TRUELINE_ variable or a line of a file."
USAGE = 2
FAILED = 3


def main() -> int:
    """Run the worker; return its exit code."""
    arguments = parse_arguments("python -m worker", ABOUT)
    keep_files_private()
    stops = StopRequests()
    stops.listen()
    environ = take_variables()
    try:
        settings = read_settings(environ, Path.cwd(), arguments)
        source_from_settings(settings)  # a URL that can't be one is told before anything waits
    except (SettingsError, SourceError) as error:
        sys.stderr.write(f"worker: {error}\n")
        return USAGE
    configure_logs(settings.log_format)
    try:
        run_daemon(settings, environ, stops)
    except TruelineError as error:
        log = structlog.get_logger()
        log.error("worker cannot run", reason=error.reason, advice=error.advice)  # noqa: TRY400 - no traceback for a user
        return USAGE if isinstance(error, IsolationMissing | SettingsError) else FAILED
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # a build or a look at the schedule that still waits must not hold up the end
