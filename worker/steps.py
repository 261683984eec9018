"""The steps of a start, each logged with its duration."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog

Step = Callable[[str], AbstractContextManager[None]]

log = structlog.get_logger()


@contextmanager
def logged_step(name: str) -> Iterator[None]:
    """Log a step of the start once it has gone well."""
    began = time.monotonic()
    yield
    log.info("start step", step=name, seconds=round(time.monotonic() - began, 3))


@contextmanager
def silent_step(_name: str) -> Iterator[None]:
    """Do a step that is not part of the start."""
    yield
