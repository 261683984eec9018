"""What an integration's own tests use: one task run in one line, and assertions on what came.

The task runs as in a job, by the same code: verdicts, partial marks, the conversion to JSON and its
limits are those of production. Nothing here needs pytest.
"""

import functools
import json
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar

from utils.errors import AuthoringError
from utils.exchange_faults import Fault
from utils.exchange_file import Exchange, read_exchanges
from utils.own_tests import NOTES
from utils.suggest import did_you_mean
from utils.task_trial import Given, Trial, integration_of_file
from utils.tasks import TaskType

__all__ = ["Exchanges", "Run", "run_task", "server_test"]

P = ParamSpec("P")
R = TypeVar("R")


class _Served(NamedTuple):
    """Whose other system the running test plays, and what that does wrong."""

    collectors: tuple[str, ...]
    fault: str | None


_SERVED: ContextVar[_Served | None] = ContextVar("served", default=None)


class Exchanges:
    """Recorded HTTP exchanges: a folder that `trueline run NAME --record` wrote, from a test's.

    A relative path is taken from the file of the test. `secrets` are values that were replaced when
    they were recorded, where the config does not tell by its names.
    """

    def __init__(self, path: str | os.PathLike[str], secrets: Sequence[str] = ()) -> None:
        here = Path(sys._getframe(1).f_code.co_filename).parent  # noqa: SLF001 - where the test stands
        self.path = here / path
        self.recorded: tuple[Exchange, ...] = read_exchanges(self.path)
        self.secrets = tuple(secrets)


class Run(NamedTuple):
    """How a task ended, as it would be recorded."""

    task: str
    type: str
    status: str  # success, failed, skipped or timeout
    verdict: str | None  # pass, fail or unknown; of insights alone
    data: Any
    message: str | None
    resources: tuple[dict[str, Any], ...]
    errors: tuple[str, ...]
    logs: tuple[str, ...]
    partial: tuple[str, ...]  # why its data is incomplete
    reason: str | None  # why it is no plain success
    cause: str | None  # of an error of the tree, such as "auth"
    severity: str | None

    @property
    def resource_ids(self) -> set[str]:
        """The ids of the resources that were found wrong."""
        return {resource["id"] for resource in self.resources}

    def assert_success(self) -> Self:
        """Check that the task succeeded with data that is whole."""
        self._check(self.status == "success", "success")
        return self._check(not self.partial, "success that is not partial")

    def assert_partial(self, reason: str = "") -> Self:
        """Check that the task succeeded and says that data is missing."""
        is_told = any(reason in one for one in self.partial)
        return self._check(self.status == "success" and is_told, f"partial ({reason!r})")

    def assert_failed(self, cause: str | None = None, reason: str = "") -> Self:
        """Check that the task failed, by this cause and with this in its reason."""
        self._check(self.status == "failed", "failed")
        self._check(cause is None or self.cause == cause, f"failed by cause {cause!r}")
        return self._check(reason in (self.reason or ""), f"failed with {reason!r} in its reason")

    def assert_skipped(self, reason: str = "") -> Self:
        """Check that the task never started."""
        is_told = reason in (self.reason or "")
        return self._check(self.status == "skipped" and is_told, f"skipped ({reason!r})")

    def assert_pass(self) -> Self:
        """Check that the insight found nothing wrong."""
        return self._check(self.verdict == "pass", "pass")

    def assert_fail(self, resources: Collection[str] | None = None) -> Self:
        """Check that the insight found a violation, with just these resources where given."""
        self._check(self.verdict == "fail", "fail")
        if resources is None:
            return self
        wanted = set(resources)
        missing, more = sorted(wanted - self.resource_ids), sorted(self.resource_ids - wanted)
        told = f"fail with resources {sorted(wanted)} (missing {missing}, unexpected {more})"
        return self._check(not missing and not more, told)

    def assert_unknown(self, reason: str = "") -> Self:
        """Check that the insight could not tell."""
        is_told = reason in (self.reason or "")
        return self._check(self.verdict == "unknown" and is_told, f"unknown ({reason!r})")

    def _check(self, holds: bool, wanted: str) -> Self:  # noqa: FBT001 - reads as a sentence
        if not holds:
            raise AssertionError(f"expected {wanted} of task {self.task!r}, and got:\n{self.shown}")
        return self

    @property
    def shown(self) -> str:
        """What came, for people."""
        fields = self._asdict().items()
        told = [(name, value) for name, value in fields if name != "task" and value]
        return "\n".join(f"  {name}: {_cut(value)}" for name, value in told)


def run_task(  # noqa: PLR0913 - what a test may give, each by its name
    task: str | Callable[..., Any],
    *,
    config: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    exchanges: Exchanges | None = None,
    runner: type | None = None,
    partial: Mapping[str, Sequence[str]] | None = None,
    failed: Collection[str] = (),
) -> Run:
    """Run one task, given as its function or its name, and return how it ended.

    `base` is what StageOne would return; with `runner` and no `base` the Runner's own StageOne is
    run. `data` is what tasks before it have found; `partial` says what of that is incomplete and
    why, `failed` which of them failed. With `exchanges` there is no network.

    >>> run_task(old_keys, data={"list_keys": {"keys": []}}).assert_pass()
    """
    caller = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - tells the integration of a name
    given = Given(
        config=config or {},
        base=base,
        data=data or {},
        partial=partial or {},
        failed=frozenset(failed),
        exchanges=exchanges.recorded if exchanges else None,
        secrets=exchanges.secrets if exchanges else (),
    )
    trial = Trial.of(task, runner, integration_of_file(caller))
    run = _run_of(trial.run(given))
    _note(_told_of(run, _SERVED.get() if exchanges is None else None))
    return run


def server_test(
    *collectors: str, fault: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a test that plays the other system of these collectors by a server of its own.

    It takes the place of recorded exchanges where a collector does not speak HTTP. Each run of one
    of them in it counts: without `fault` as one that is answered well, with it as one at which the
    server does that: "timeout", "refused", "cut off" or another name of the fault matrix.

    >>> @server_test("list_certificates", fault="refused")
    ... def test_a_server_that_is_down_is_told(): ...
    """
    if not collectors or not all(isinstance(name, str) for name in collectors):
        raise AuthoringError(
            "server_test does not say whose server the test plays",
            'name the collectors: @server_test("list_items")',
        )
    if fault is not None and fault not in set(Fault):
        raise AuthoringError(
            f"server_test: there is no fault {fault!r}{did_you_mean(str(fault), map(str, Fault))}",
            f"take one of {', '.join(Fault)}; leave it out where the server answers well",
        )

    def declare(test: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(test)
        def served(*args: P.args, **kwargs: P.kwargs) -> R:
            before = _SERVED.set(_Served(collectors, fault))
            try:
                return test(*args, **kwargs)
            finally:
                _SERVED.reset(before)

        return served

    return declare


def _run_of(result: Mapping[str, Any]) -> Run:
    return Run(
        task=result["name"],
        type=result["type"],
        status=result["status"],
        verdict=result["verdict"],
        data=result["data"],
        message=result["message"],
        resources=tuple(result["resources"] or ()),
        errors=tuple(result["errors"] or ()),
        logs=tuple(result["logs"]),
        partial=tuple(result["partial"]),
        reason=result["reason"],
        cause=(result["cause"] or {}).get("kind"),
        severity=result["severity"] if result["type"] == TaskType.INSIGHT else None,
    )


def _told_of(run: Run, served: _Served | None) -> dict[str, Any]:
    """Return what `trueline test` has to know of a run."""
    told: dict[str, Any] = {"task": run.task, "type": run.type, "verdict": run.verdict}
    told |= {"status": run.status, "is_partial": bool(run.partial), "cause": run.cause}
    if served and run.task in served.collectors:
        told |= {"is_served": True, "fault": served.fault and str(served.fault)}
    return told


def _note(note: Mapping[str, Any]) -> None:
    """Tell `trueline test` what was tested; elsewhere nobody asks."""
    if path := os.environ.get(NOTES):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(note) + "\n")


def _cut(value: Any) -> str:
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return "\n    ".join(["", *value])[:4000]
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 1000 else f"{shown[:1000]}... ({len(shown):,} characters)"
