"""How a child is started: arguments, variables, limits, and what it reads on stdin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.bubblewrap import SYSTEM_PATH
from worker.job_directories import JobDirectory
from worker.job_order import JobOrder, Limits, Prepared
from worker.launcher import Command
from worker.limits import process_limits
from worker.redaction import secret_values

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
PASSED_ON = frozenset(
    (
        *PROXIES,
        *(name.upper() for name in PROXIES),
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
    )
)


def child_command(
    prepared: Prepared, directory: JobDirectory, limits: Limits, environ: Mapping[str, str]
) -> Command:
    """Return the command of a child; secrets are in none of its parts."""
    environment = prepared.environment
    return Command(
        argv=(str(environment.python), "-I", "-X", "utf8", str(environment.child)),
        env=child_variables(directory, environ),
        cwd=directory.path,
        rlimits=process_limits(limits),
    )


def warm_command(
    prepared: Prepared, directory: JobDirectory, limits: Limits, environ: Mapping[str, str]
) -> Command:
    """Return the command of a warm process: it knows its integration, and no config ever."""
    command = child_command(prepared, directory, limits, environ)
    time = f"{limits.task_timeout_seconds:g}"
    arguments: tuple[str, ...] = ("warm", prepared.integration, str(prepared.snapshot), time)
    if prepared.preload is not None:
        arguments = ("preloaded", *prepared.preload)
    return replace(command, argv=(*command.argv, *arguments))


def confined(command: Command, walls: Mapping[str, Any]) -> Command:
    """Return the command of a child that puts `walls` around itself; they hold no secret."""
    if not walls:
        return command
    return replace(command, argv=(*command.argv, "confined", json.dumps(walls)))


def child_variables(directory: JobDirectory, environ: Mapping[str, str]) -> dict[str, str]:
    """Return all of a child's environment variables: nothing of the worker's but its network's."""
    return {
        "PATH": SYSTEM_PATH,
        "HOME": str(directory.home),
        "TMPDIR": str(directory.temporary),
        "LANG": "C.UTF-8",
        **{name: value for name, value in environ.items() if name in PASSED_ON},
    }


@dataclass(frozen=True)
class Resumption:
    """What a later child of a job has to know of the earlier ones."""

    done: tuple[str, ...]  # tasks that have a result
    alone: tuple[str, ...] = ()  # tasks to run with nothing beside them


def run_spec(
    order: JobOrder,
    prepared: Prepared,
    directory: JobDirectory,
    limits: Limits,
    resumption: Resumption | None,
) -> bytes:
    """Return what a child that runs tasks reads; the first child of a job resumes nothing."""
    return _spec(
        prepared,
        limits,
        mode="run",
        config=order.config,
        job_id=order.job_id,
        attempt=order.attempt,
        only=order.only,
        request_id=order.request_id,
        traceparent=order.traceparent,
        with_needed=order.with_needed,
        exchanges=_exchanges(order),
        debug=order.debug,
        spool=str(directory.spool),
        resume=resumption is not None,
        done=resumption.done if resumption else (),
        alone=resumption.alone if resumption else (),
    )


def tests_spec(
    prepared: Prepared, directory: JobDirectory, limits: Limits, arguments: tuple[str, ...]
) -> bytes:
    """Return what a child reads that runs the integration's own tests."""
    return _spec(
        prepared,
        limits,
        mode="test",
        config={},
        job_id="",
        attempt=0,
        only=arguments,
        spool=str(directory.spool),
    )


def _exchanges(order: JobOrder) -> dict[str, Any] | None:
    if order.exchanges is None:
        return None
    return {**order.exchanges, "secrets": secret_values(order.config, order.secrets)}


def describe_spec(prepared: Prepared, directory: JobDirectory, limits: Limits) -> bytes:
    """Return what a child that only lists its tasks reads."""
    return _spec(
        prepared,
        limits,
        mode="describe",
        config={},
        job_id="",
        attempt=0,
        only=None,
        spool=str(directory.spool),
        resume=False,
        done=(),
        alone=(),
    )


def _spec(prepared: Prepared, limits: Limits, **more: Any) -> bytes:
    spec = {
        "integration": prepared.integration,
        "snapshot": str(prepared.snapshot),
        "source": {**prepared.source, "commit": prepared.commit},
        "task_timeout_seconds": limits.task_timeout_seconds,
        "result_limit_bytes": limits.result_limit_bytes,
        **more,
    }
    return json.dumps(spec).encode()
