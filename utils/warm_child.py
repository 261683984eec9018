"""A warm process: it has imported an integration, and forks a child for each job of it.

It never sees a config or a secret: those go to the forked child alone, on a stdin of its own.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from utils.ahead import import_ahead
from utils.base_runner import BaseRunner
from utils.child_start import Again
from utils.egress import open_way_out
from utils.events import EventChannel
from utils.fitness import look_at_footing, unfit_reason
from utils.fork_server import ForkServer
from utils.job_child import EVENTS, STDIN, leave, point_at_nothing, run_job
from utils.loader import load_runner, open_snapshot
from utils.plugin_call import CallEnd, call_plugin
from utils.session import flush_output
from utils.task_registry import registered_tasks

_STDOUT, _STDERR = 1, 2

# Keeps a job's child apart from other jobs of this process. Gets the whole request: `cwd` is the
# job's directory, `confine` is what the worker says about the walls. What it raises ends the child.
Confine = Callable[[Mapping[str, Any]], None]


class Walls(NamedTuple):
    """What stands between the jobs of one process, and what is done and asked from job to job.

    By default there are none: isolation level `process`.
    """

    confine: Confine = lambda _request: None
    again: Again = Again()


class Warmth(NamedTuple):
    """What a warm process imports: an integration of a snapshot, or some modules and no more."""

    integration: str
    snapshot: str
    timeout_seconds: float  # of the import; 0: none
    modules: Sequence[str] | None = None

    def load(self) -> type[BaseRunner] | None:
        """Import it; return the Runner of an integration."""
        if self.modules is None:
            open_snapshot(self.snapshot)
            runner = load_runner(self.integration)
            with suppress(Exception):  # a job that needs it will say so
                import_ahead(self.integration, beside=runner.parallel_tasks > 1)
            return runner
        for name in self.modules:
            with suppress(Exception):  # the integration that needs it will say so
                import_module(name)
        return None


class WarmChild:
    """What its jobs have in common is imported; requests come over the socket that is its stdin."""

    def __init__(self, warmth: Warmth, walls: Walls) -> None:
        self._warmth = warmth
        self._walls = walls
        self._channel = EventChannel(EVENTS)
        self._requests = socket.socket(fileno=os.dup(STDIN))
        point_at_nothing(STDIN)

    def serve(self) -> None:
        """Load, say how that went, and fork for jobs until the worker closes the socket."""
        loaded = self._load()
        if loaded is None:
            return
        self._channel.close()
        point_at_nothing(_STDOUT, _STDERR, EVENTS)
        start = JobStart(loaded.value, self._walls.confine)
        ForkServer(self._requests, start, self._walls.again).serve()

    def _load(self) -> CallEnd | None:
        """Return what was loaded; None when this process must not be forked, which is reported."""
        before = look_at_footing()
        what = f"importing integrations/{self._warmth.integration}"
        loaded = call_plugin(what, self._warmth.load, self._warmth.timeout_seconds)
        if loaded.failure:
            broken = {"error": loaded.failure.as_error(), "is_late": loaded.timed_out}
            self._channel.send({"type": "broken", **broken})
            return None
        reason = unfit_reason(before)
        if reason is not None:
            self._channel.send({"type": "unfit", "reason": reason})
            return None
        tasks = [task.spec._asdict() for task in registered_tasks(loaded.value or BaseRunner)]
        flush_output()  # the worker reads what was printed once it has the plan
        self._channel.send({"type": "plan", "tasks": tasks})
        return loaded


class JobStart:
    """Makes a forked process the child of one job; see `utils.child_start.Start`.

    Made once the plugin is imported, it gives the child what a fresh interpreter would have.
    """

    def __init__(self, runner: type[BaseRunner] | None, confine: Confine) -> None:
        self._runner = runner
        self._confine = confine
        self._collects = gc.isenabled()
        handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
        default = {signal.SIG_DFL, None}
        self._handlers = {key: own for key, own in handlers.items() if own not in default}
        self._temporary_is_cached = bool(_cached_temporary())

    def __call__(self, request: Mapping[str, Any], begun: Callable[[], None]) -> NoReturn:
        """Become the job's child."""
        self._restore_signals()
        set_variables(request["env"])
        open_way_out(os.environ)
        if self._temporary_is_cached:
            # The next to ask looks into the job's own variables.
            sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]  # it was there
        renew_randomness()
        if self._collects:
            gc.enable()
        self._confine(request)
        begun()
        code = 1
        try:
            run_job(self._runner)
            code = 0
        except BaseException:  # noqa: BLE001 - the process's edge: the worker reads code and stderr
            sys.excepthook(*sys.exc_info())
        finally:
            leave(code)

    def _restore_signals(self) -> None:
        signal.set_wakeup_fd(-1)  # a plugin may soon own a file of that number
        for number, handler in self._handlers.items():  # the others have been reset
            signal.signal(number, handler)


def set_variables(wanted: Mapping[str, str]) -> None:
    """Let the environment be these variables; most of them are there, as this process has them."""
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _cached_temporary() -> str | None:
    # Asked for by name: to import it costs each start 10 ms.
    return getattr(sys.modules.get("tempfile"), "tempdir", None)


def renew_randomness() -> None:
    """Let no two forks draw the same numbers; Python's own module does that at each fork."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
