"""Checks of what a process depends on: each bounded in time, none raises, none blocks another."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from utils.base_error import TruelineError

DEADLINE_SECONDS = 5.0
Look = Callable[[], str | None]  # what there is to say when all is well; raises TruelineError

log = structlog.get_logger()


@dataclass(frozen=True)
class Check:
    """How one thing is; `error` and `advice` are None when it is well."""

    name: str
    seconds: float
    error: str | None = None
    advice: str | None = None
    detail: str = ""

    @property
    def status(self) -> str:
        """Return `ok` or `failed`."""
        return "failed" if self.error else "ok"

    def as_json(self) -> dict[str, Any]:
        """Return the check as JSON."""
        return {"status": self.status, **asdict(self)}


class Checks:
    """The checks of one process, by name, in the order in which they were added."""

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline_seconds = deadline_seconds
        self._looks: dict[str, Look] = {}
        self._under_way: dict[str, Future[Check]] = {}
        self._lock = threading.Lock()

    def add(self, name: str, look: Look) -> None:
        """Add a check, or replace the one of that name."""
        self._looks[name] = look

    def run(self) -> tuple[Check, ...]:
        """Run all side by side; one that does not answer in time has failed by that."""
        end = time.monotonic() + self._deadline_seconds
        asked = [(name, self._ask(name, look)) for name, look in list(self._looks.items())]
        return tuple(self._answer(name, answer, end) for name, answer in asked)

    def _ask(self, name: str, look: Look) -> Future[Check]:
        """Begin a check, unless an earlier one of that name still hangs: that is waited for."""
        with self._lock:
            hanging = self._under_way.get(name)
            if hanging is not None and not hanging.done():
                return hanging
            answer = self._under_way[name] = Future[Check]()
        threading.Thread(
            target=lambda: answer.set_result(run_check(name, look)),
            name=f"check-{name}",
            daemon=True,
        ).start()
        return answer

    def _answer(self, name: str, answer: Future[Check], end: float) -> Check:
        try:
            return answer.result(max(end - time.monotonic(), 0.0))
        except TimeoutError:
            seconds = self._deadline_seconds
            reason = f"it did not answer within {seconds:g} s"
            return Check(name, seconds, reason, "look at what it depends on: it hangs there")


def run_check(name: str, look: Look) -> Check:
    """Run one check here and now."""
    began = time.perf_counter()
    error = advice = None
    detail = ""
    try:
        detail = look() or ""
    except TruelineError as found:
        error, advice = found.reason, found.advice
    except OSError as found:
        error, advice = str(found), "see what the system says of it"
    except Exception as found:
        log.exception("check crashed", check=name)
        error = f"the check itself failed: {type(found).__name__}"
        advice = "this is a defect of ours: report it with the log"
    return Check(name, round(time.perf_counter() - began, 6), error, advice, detail)


def log_checks(checks: tuple[Check, ...]) -> None:
    """Log how each was found; what failed as a warning with its advice."""
    for check in checks:
        said = {"check": check.name, "status": check.status, "seconds": check.seconds}
        if check.error:
            log.warning("check", **said, reason=check.error, advice=check.advice)
        else:
            log.info("check", **said, **({"detail": check.detail} if check.detail else {}))
