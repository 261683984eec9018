"""One warm process: its start until it is ready or unfit, the jobs it forks for, its memory."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from utils.process_tree import descendants, read_process_table
from worker.child_command import warm_command
from worker.child_ends import Cause, ChildEnd, unlisted
from worker.child_events import Broken, Oversize, Plan, WarmEvent, read_warm_event
from worker.child_pump import ChildPump, Sink
from worker.cleaning import without_controls
from worker.host import Host
from worker.job_directories import JobDirectory
from worker.job_order import Description, Limits, Prepared
from worker.launcher import Command, Exit, LaunchError, Running
from worker.memory import memory_bytes
from worker.running import StarterLost, ask_for_child, ask_supervisor, open_control
from worker.stop_signal import StopSignal

HARD_SECONDS = 2.0  # beyond the time of one task, for the import
ANSWER_SECONDS = 5.0  # for a fork; a process that is silent for longer is given up
LINE_LIMIT_BYTES = 8 * 1024 * 1024
DYING_SECONDS = 2.0  # from the end of a supervisor until it is known that all of them end
MOST_IDLE = 8  # supervisors that wait for another job: each is a fork spared


@dataclass(frozen=True)
class NotWarm:
    """Why there is no warm process; what is not `lasting` may go away by itself."""

    reason: str
    lasting: bool = True
    description: Description | None = None  # what it tells of the integration all the same


class WarmGone(Exception):  # noqa: N818 - an event, answered by a fresh interpreter
    """The process is dead, silent, or cannot fork."""


class WarmProcess:
    """A process that is ready; any thread may ask it for a job's child."""

    def __init__(
        self,
        running: Running,
        requests: socket.socket,
        directory: JobDirectory,
        plan: Plan,
        printed: tuple[bytes, bytes],
    ) -> None:
        running.close_channels()
        self.tasks = tuple(task.model_dump() for task in plan.tasks)
        self._running = running
        self._requests = requests
        self._directory = directory
        self._lock = threading.Lock()
        self._looking = threading.Lock()  # for its end: one thread at a time
        self._idle: list[socket.socket] | None = []  # control sockets; None: it has ended
        self._printed = printed  # by the import; a fresh child prints it for each job as well
        self.memory_bytes = memory_bytes(self.pids())

    @property
    def is_alive(self) -> bool:
        """Whether it still serves."""
        return not self._has_ended(0.0)

    @property
    def waiting(self) -> int:
        """How many supervisors wait for another job."""
        return len(self._idle or ())

    def pids(self) -> list[int]:
        """Return its processes: itself, what encloses it, and children of jobs."""
        first = self._running.pid
        return [first, *(one.pid for one in descendants(first, read_process_table()))]

    def spawn(self, command: Command, stdin: bytes) -> Running:
        """Fork the child of a job; raises WarmGone when that cannot be had."""
        try:
            running = self._ask_idle(command, stdin)
            if running is None:
                running = ask_for_child(self._hand_over, command, stdin, ANSWER_SECONDS)
        except (StarterLost, LaunchError) as error:
            raise WarmGone from error
        running.give_back = self._keep
        running.is_starter_dead = lambda: self._has_ended(DYING_SECONDS)
        running.printed_before = self._printed
        return running

    def fork_ahead(self) -> None:
        """Have a supervisor wait for the first job, as for each later one."""
        with suppress(StarterLost):  # the first job will meet that
            self._keep(open_control(self._hand_over, ANSWER_SECONDS))

    def end(self) -> None:
        """End it, and every child that it has forked."""
        with self._lock:
            idle, self._idle = self._idle or [], None
        for control in idle:
            control.close()
        self._running.close()
        self._requests.close()
        self._directory.remove()

    def _ask_idle(self, command: Command, stdin: bytes) -> Running | None:
        """Ask a supervisor that has had a job already; None when there is none that lives."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                control = self._idle.pop()
            try:
                return ask_supervisor(control, command, stdin, ANSWER_SECONDS)
            except StarterLost:
                continue

    def _has_ended(self, within_seconds: float) -> bool:
        with self._looking:
            return self._running.wait(within_seconds) is not None

    def _keep(self, control: socket.socket) -> None:
        with self._lock:
            if self._idle is not None and len(self._idle) < MOST_IDLE:
                self._idle.append(control)
                return
        control.close()

    def _hand_over(self, control: socket.socket) -> None:
        socket.send_fds(self._requests, [b"s"], [control.fileno()])


def start_warm(
    host: Host, prepared: Prepared, directory: JobDirectory, stop: StopSignal
) -> WarmProcess | NotWarm:
    """Start a process and wait until it has imported the integration, or cannot be warm."""
    command = warm_command(prepared, directory, host.limits, host.environ)
    command = host.enclose(command, prepared, directory.group)
    ours, theirs = socket.socketpair()
    ours.settimeout(ANSWER_SECONDS)
    try:
        with theirs:
            running = host.launcher.spawn(command, theirs)
    except LaunchError as error:
        ours.close()
        directory.remove()
        return NotWarm(error.reason, lasting=False)
    printed = _FirstBytes(host.limits.log_limit_bytes), _FirstBytes(host.limits.log_limit_bytes)
    answer = _await_answer(running, prepared.integration, host.limits, stop, printed)
    if isinstance(answer, Plan):
        kept = printed[0].kept, printed[1].kept
        process = WarmProcess(running, ours, directory, answer, kept)
        process.fork_ahead()
        return process
    running.close()
    ours.close()
    directory.remove()
    return answer


class _FirstBytes:
    """Keeps what an import prints, up to one byte over what a job may print."""

    def __init__(self, limit_bytes: int) -> None:
        self.kept = b""
        self._limit_bytes = limit_bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing more is kept."""
        return len(self.kept) > self._limit_bytes

    def feed(self, chunk: bytes) -> None:
        self.kept += chunk[: self._limit_bytes + 1 - len(self.kept)]


def _await_answer(
    running: Running, integration: str, limits: Limits, stop: StopSignal, sinks: tuple[Sink, Sink]
) -> Plan | NotWarm:
    """Return its tasks once it is ready."""
    deadline = time.monotonic() + limits.task_timeout_seconds + HARD_SECONDS
    with stop.waking() as wake:
        pump = ChildPump(running, LINE_LIMIT_BYTES, sinks, wake)
        event = None
        while event is None and pump.exit is None and stop.reason is None:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            event = next(_events(pump.turn(left)), None)
        pump.read_printed()
        pump.let_go()
    if event is not None:
        return _verdict(event)
    if stop.reason is not None:
        return NotWarm("its start was called off", lasting=False)
    cause = Cause.PHASE_DEADLINE if pump.exit is None else Cause.EXITED
    end = ChildEnd(cause, pump.exit or Exit(None, None), limits.task_timeout_seconds)
    reason = end.reason(limits, "before it had imported the integration")
    late = unlisted(integration, reason) if cause is Cause.PHASE_DEADLINE else None
    return NotWarm(reason, lasting=False, description=late)


def _events(lines: Iterator[bytes | Oversize]) -> Iterator[WarmEvent]:
    for line in lines:
        event = None if isinstance(line, Oversize) else read_warm_event(line)
        if event is not None:
            yield event


def _verdict(event: WarmEvent) -> Plan | NotWarm:
    if isinstance(event, Plan):
        return event
    if isinstance(event, Broken):
        error = without_controls(event.error.model_dump())
        late = Description(broken=error) if event.is_late else None
        return NotWarm(error["reason"], lasting=not event.is_late, description=late)
    return NotWarm(str(without_controls({"reason": event.reason})["reason"]))
