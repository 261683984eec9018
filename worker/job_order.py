"""What execution is asked for and what it answers; nothing here starts or reads anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from worker.environment import Environment

EndStatus = Literal["success", "partial", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class Prepared:
    """An integration of one commit, with the environment that it runs in."""

    integration: str
    commit: str
    snapshot: Path
    environment: Environment
    source: Mapping[str, str]  # url (without credentials), ref
    hosts: tuple[str, ...] | None = None  # that it declares; None: it declares none
    preload: tuple[str, ...] | None = None  # modules for a warm process that loads nothing else


@dataclass(frozen=True)
class JobOrder:
    """One attempt of one job; `secrets` are JSON pointers into `config`."""

    job_id: str
    attempt: int
    integration: str
    config: Mapping[str, Any]
    secrets: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    request_id: str = ""  # of the request that asked for it, where one did
    traceparent: str = ""
    with_needed: bool = False  # `only`, and what these tasks need
    exchanges: Mapping[str, Any] | None = None  # to record or to replay, in a local run
    debug: bool = False  # whether the logs of its tasks keep DEBUG lines too


@dataclass(frozen=True)
class Limits:
    """How long and how large one job may become."""

    task_timeout_seconds: float
    job_timeout_seconds: float
    memory_limit_mb: int
    result_limit_bytes: int
    log_limit_bytes: int
    cpu_limit_seconds: int = 3600
    process_limit: int = 512
    open_files_limit: int = 4096
    disk_limit_mb: int = 2048


@dataclass(frozen=True)
class JobEnd:
    """How a job ended; `error` is `{"reason", "advice"}` where something has to be said."""

    status: EndStatus
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Description:
    """What an integration offers: its tasks, or why it is broken."""

    tasks: Sequence[Mapping[str, Any]] = ()
    broken: Mapping[str, Any] | None = None
