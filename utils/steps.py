"""The steps of a start and of a stop, each logged with its duration."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

import structlog

Step = Callable[[str], AbstractContextManager[None]]

log = structlog.get_logger()


@contextmanager
def logged_step(name: str, of: Literal["start", "stop"] = "start") -> Iterator[None]:
    """Log a step once it has gone well."""
    began = time.monotonic()
    yield
    event = "stop step" if of == "stop" else "start step"
    log.info(event, step=name, seconds=round(time.monotonic() - began, 3))


@contextmanager
def silent_step(_name: str) -> Iterator[None]:
    """Do a step that is not part of the start."""
    yield


class Stops:
    """What a process ends before it goes: in the reverse order of its start."""

    def __init__(self) -> None:
        self._stops: list[tuple[str, Callable[[], object]]] = []

    def add(self, name: str, stop: Callable[[], object]) -> None:
        """Have something ended; what was added later ends before it."""
        self._stops.append((name, stop))

    def run(self) -> None:
        """End everything once, each logged; one that fails keeps none of the others."""
        while self._stops:
            name, stop = self._stops.pop()
            try:
                with logged_step(name, "stop"):
                    stop()
            except Exception:
                log.exception("stop step failed", step=name)
