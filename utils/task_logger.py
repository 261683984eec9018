"""Loggers whose lines are in a task's logs: of one task, or of whichever writes them."""

import logging
from collections.abc import Callable

from utils.task_lines import TaskLines, current_lines


class TaskLogger(logging.Logger):
    """Logs to the task, or StageOne, that uses it; in no such call as the process's logger does.

    In a thread that a task has started it logs to the task that it was made in.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._made_in = current_lines()
        self.addHandler(LineHandler(lambda: current_lines(self._made_in)))

    def __reduce__(self) -> tuple[type["TaskLogger"], tuple[str]]:
        """Be one of the same name in another process, as other loggers are."""
        return TaskLogger, (self.name,)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Tell whether lines of this level are kept where it is used."""
        lines = current_lines(self._made_in)
        if lines is None:
            return logging.getLogger(self.name).isEnabledFor(level)
        least = self.level or usual_level(debug=lines.debug)
        return not self.disabled and level >= least and level > self.manager.disable


class LineHandler(logging.Handler):
    """Adds each record to the lines that `find` returns; where there are none, as others log."""

    def __init__(self, find: Callable[[], TaskLines | None]) -> None:
        super().__init__()
        self._find = find
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Add one line; one that cannot be formatted is told on stderr, as elsewhere."""
        lines = self._find()
        if lines is None:
            logging.getLogger(record.name).handle(record)
            return
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - what logging does: a wrong line fails no task
            self.handleError(record)
        else:
            lines.add(line)


def logger_of(name: str, lines: TaskLines) -> logging.Logger:
    """Return a logger that logs to one task, whoever uses it, in whatever thread."""
    # Not the process's logger of that name: tasks run side by side, each has its own lines.
    logger = logging.Logger(name, usual_level(debug=lines.debug))  # noqa: LOG001 - said above
    logger.addHandler(LineHandler(lambda: lines))
    return logger


def usual_level(*, debug: bool) -> int:
    """Return from which level on lines are kept."""
    return logging.DEBUG if debug else logging.INFO
