"""When a child's present phase and each of its running tasks began."""

from collections.abc import Iterable


class PhaseClock:
    """Told of every change; it asks no clock itself."""

    def __init__(self) -> None:
        self._phase: object = None
        self._began_at = 0.0
        self._stopped_at = 0.0
        self._tasks: dict[str, float] = {}

    def note(self, phase: object, running: Iterable[str], now: float) -> None:
        """Take it that since `now` the child is in this phase and runs these tasks."""
        if phase != self._phase:
            self._phase, self._began_at = phase, now
        self._tasks = {name: self._tasks.get(name, now) for name in running}

    def oldest(self) -> float:
        """Return when the longest running task began, or the phase where none runs."""
        return min(self._tasks.values(), default=self._began_at)

    def stop(self, now: float) -> None:
        """Take it that the child is ended now; what it still has to say does not count."""
        self._stopped_at = now

    def seconds(self, task: str = "") -> float:
        """Return how long a task has run until the stop, or the phase where it does not run."""
        return max(0.0, self._stopped_at - self._tasks.get(task, self._began_at))
