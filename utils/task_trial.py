"""One task run by the session of a job, with everything before it as a test gives it."""

import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Self

from utils.base_runner import BaseRunner
from utils.concealed import is_secret_name
from utils.decorators import task as declared
from utils.errors import AuthoringError
from utils.exchange_file import Exchange
from utils.exchange_play import REPLAY, taped
from utils.findings import checked_finding
from utils.loader import load_runner
from utils.plain_values import is_plain
from utils.results import TaskResult, TaskStatus, unrun_result
from utils.session import ChildSpec, run_session
from utils.suggest import did_you_mean
from utils.task_registry import REGISTRY, registered_tasks
from utils.tasks import DeclaredTask, TaskSpec, TaskType, declared_tasks

LIMIT_BYTES = (
    16 * 1024 * 1024
)  # as TRUELINE_RESULT_LIMIT_BYTES has it, unless an operator says more
TIMEOUT_SECONDS = 180.0


class Given(NamedTuple):
    """What a test gives to a task."""

    config: Mapping[str, Any]
    base: Mapping[str, Any] | None
    data: Mapping[str, Any]
    partial: Mapping[str, Sequence[str]]
    failed: frozenset[str]
    exchanges: Sequence[Exchange] | None
    secrets: Sequence[str]

    @property
    def upstream(self) -> list[str]:
        """The tasks whose outcome is given."""
        return list(dict.fromkeys([*self.data, *self.partial, *self.failed]))


class Trial(NamedTuple):
    """A task, and the Runner that it belongs to."""

    task: DeclaredTask
    runner: type[BaseRunner]  # BaseRunner itself: the task stands outside integrations
    runs_stage_one: bool

    @classmethod
    def of(
        cls, task: str | Callable[..., Any], runner: type | None, integration: str | None
    ) -> Self:
        """Find a task by its function or its name; raises AuthoringError."""
        if not isinstance(task, str):
            integration = _integration_of_module(task.__module__) or integration
        if runner is not None:
            integration = _integration_of_module(runner.__module__)
        loaded = _loaded(integration) if integration else BaseRunner
        owner: Any = runner or loaded
        found = _by_name(task, owner) if isinstance(task, str) else _by_function(task)
        return cls(found, owner, runner is not None)

    def run(self, given: Given) -> dict[str, Any]:
        """Run it; return its result as it would be recorded."""
        channel = _Collected()
        with tempfile.TemporaryDirectory(prefix="trueline-test-") as folder:
            spool = Path(folder) / "results.jsonl"
            runner = self._runner(given)
            upstream = self._upstream(
                given, {t.spec.name: t.spec for t in registered_tasks(runner)}
            )
            spool.write_text("".join(f"{result.as_json()}\n" for result in upstream))
            spec = self._spec(given, str(spool))
            told = taped(spec.exchanges, channel) if spec.exchanges else nullcontext(channel)
            with told as reports, _alarms_kept():
                run_session(spec, reports, runner)
            return channel.result(self.task.spec.name, str(spool))

    def _spec(self, given: Given, spool: str) -> ChildSpec:
        exchanges = None
        if given.exchanges is not None:
            entries = [one.as_json() for one in given.exchanges]
            secrets = [*given.secrets, *_secrets_by_name(given.config)]
            exchanges = {"mode": REPLAY, "entries": entries, "secrets": secrets}
        return ChildSpec(
            mode="run",
            integration=self.runner.name or "integration",
            snapshot="",
            config=dict(given.config),
            job_id="test",
            attempt=1,
            source={"url": "test", "ref": "main", "commit": "0" * 40},
            task_timeout_seconds=TIMEOUT_SECONDS,
            result_limit_bytes=LIMIT_BYTES,
            only=(self.task.spec.name,),
            spool=spool,
            resume=True,
            done=given.upstream,
            exchanges=exchanges,
        )

    def _runner(self, given: Given) -> type[BaseRunner]:
        """Return a Runner like the task's own, whose StageOne returns the given base."""
        known = {task.spec.name: task for task in registered_tasks(self.runner)}
        known[self.task.spec.name] = self.task
        for name in (*given.upstream, *self.task.spec.depends_on):
            if name not in known and self.runner is not BaseRunner:
                raise AuthoringError(
                    f"no task is named {name!r}{did_you_mean(name, known)}",
                    "correct the name in data, partial or failed of run_task",
                )
            known.setdefault(name, _stand_in(name))
        own: dict[str, Any] = {
            "__module__": self.runner.__module__,
            REGISTRY: tuple(sorted(known.values(), key=lambda one: one.spec.position)),
        }
        if given.base is not None or not self.runs_stage_one:
            own["StageOne"] = _stage_one(dict(given.base or {}))
        return type("Runner", (self.runner,), own)

    def _upstream(self, given: Given, specs: Mapping[str, TaskSpec]) -> Iterator[TaskResult]:
        for name in given.upstream:
            if name in given.failed:
                reason = f"task {name!r} failed, as the test says"
                yield unrun_result(specs[name], reason, TaskStatus.FAILED)
            else:
                partial = tuple(given.partial.get(name, ()))
                yield _succeeded(specs[name], given.data.get(name, {}), partial)


class _Collected:
    """Keeps what a session reports."""

    def __init__(self) -> None:
        self._events: list[Mapping[str, Any]] = []
        self._results: list[dict[str, Any]] = []

    def send(self, event: Mapping[str, Any]) -> None:
        self._events.append(event)

    def send_result(self, result: str) -> None:
        self._results.append(json.loads(result))

    def mention(self, event: Mapping[str, Any]) -> None:
        self._events.append(event)

    def result(self, name: str, spool: str) -> dict[str, Any]:
        for result in self._results:
            if result["name"] == name:
                if large := result.get("large"):
                    result["data"] = json.loads(Path(f"{spool}.{large['file']}").read_bytes())
                return result
        errors = [one["error"] for one in self._events if one["type"] == "broken"]
        broken: Mapping[str, Any] = errors[0] if errors else {}
        raise AuthoringError(
            broken.get("reason", f"task {name!r} has no result"),
            broken.get("advice", "see whether it is enabled"),
        )


def integration_of_file(path: str) -> str | None:
    """Return the integration below whose folder a file lies."""
    parts = Path(path).parts
    places = [place for place, part in enumerate(parts[:-2]) if part == "integrations"]
    return parts[places[-1] + 1] if places else None


def _integration_of_module(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "integrations" and len(parts) > 2 else None


def _loaded(integration: str) -> type[BaseRunner]:
    import_module("integrations")
    return load_runner(integration)


def _by_name(name: str, runner: type[BaseRunner]) -> DeclaredTask:
    tasks = {task.spec.name: task for task in registered_tasks(runner)}
    if name not in tasks:
        raise AuthoringError(
            f"no task is named {name!r}{did_you_mean(name, tasks)}",
            f"there are {', '.join(tasks)}" if tasks else "give the task's function instead",
        )
    return tasks[name]


def _by_function(function: Callable[..., Any]) -> DeclaredTask:
    for task in declared_tasks(vars(sys.modules[function.__module__])):
        if task.function is function or getattr(task.function, "__name__", "") == getattr(
            function, "__name__", None
        ):
            return task
    raise AuthoringError(
        f"{getattr(function, '__qualname__', function)!r} is no task",
        "put @task(...) above it, or give the name of a task",
    )


def _stand_in(name: str) -> DeclaredTask:
    """Return a collector that is never run: its outcome is given."""
    spec = TaskSpec(name, name, None, TaskType.COLLECTOR, None, 0, enabled=True, depends_on=())
    return DeclaredTask(spec, declared, __file__, 0)


def _stage_one(base: dict[str, Any]) -> type[BaseRunner.StageOne]:
    class StageOne(BaseRunner.StageOne):
        def start(self) -> dict[str, Any]:
            return base

    return StageOne


def _succeeded(spec: TaskSpec, data: Any, partial: tuple[str, ...]) -> TaskResult:
    finding = checked_finding({"data": data}, TaskType.COLLECTOR, LIMIT_BYTES)
    made = unrun_result(spec, "", TaskStatus.SUCCESS)
    return made._replace(data=finding.data, partial=partial, errors=(), reason=None)


def _secrets_by_name(config: Any) -> list[str]:
    if not isinstance(config, Mapping):
        return []
    found = [one for value in config.values() for one in _secrets_by_name(value)]
    return found + [
        value
        for name, value in config.items()
        if isinstance(value, str) and is_secret_name(str(name)) and not is_plain(value)
    ]


@contextmanager
def _alarms_kept() -> Iterator[None]:
    """Give back the alarm that a deadline of the test itself may be kept by."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler, left = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *left)
