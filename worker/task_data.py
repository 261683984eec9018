"""The large data of a job's tasks on its way from their child's files into ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.data_file import ANNOUNCED_BYTES, data_path
from worker.child_events import DataWritten, TaskResult, WrittenData
from worker.data_reading import DataReading, no_room
from worker.job_order import JobOrder, Limits
from worker.large_files import Attempt, LargeFiles
from worker.redaction import Redactor


class TaskData:
    """One job's: at most one file is read at a time, that of the task that runs."""

    def __init__(
        self, order: JobOrder, limits: Limits, spool: Path, redactor: Redactor, files: LargeFiles
    ) -> None:
        self.is_over: Callable[[], bool] = lambda: False  # whether the child has to end now
        self._attempt = Attempt(order.job_id, order.attempt)
        self._limit_bytes = limits.result_limit_bytes
        self._spool = str(spool)
        self._redactor = redactor
        self._files = files
        self._number: int | None = None
        self._announced_bytes = 0
        self._reading: DataReading | None = None

    def read(self, event: DataWritten) -> bool:
        """Read what is there by now; False where the SDK would not have said so.

        It writes one file a task and announces it now and then. More costs other jobs their time.
        """
        if self._number not in {None, event.file}:
            return False
        if event.size_bytes < self._announced_bytes + ANNOUNCED_BYTES:
            return False
        self._reading_of(event).read_to(event.size_bytes, self.is_over)
        self._announced_bytes = event.size_bytes
        return True

    def kept(self, result: TaskResult) -> dict[str, Any]:
        """Return what the task's event says of its large data; empty when it has none.

        Raises Unsound for data that cannot be recorded.
        """
        try:
            if result.large is None:
                return {}
            data = self._reading_of(result.large).finish(result.large.size_bytes)
            return {"large_data": data.as_json()}
        finally:
            self.drop()

    def forget(self, told: dict[str, Any]) -> None:
        """Remove what an event that is never sent speaks of."""
        if large := told.get("large_data"):
            self._files.remove(self._attempt, large["sha256"])

    def drop(self) -> None:
        """Read no more of a task that has ended."""
        if self._reading is not None:
            self._reading.close()
        self._number, self._reading, self._announced_bytes = None, None, 0

    def _reading_of(self, written: WrittenData) -> DataReading:
        if self._reading is None or self._number != written.file:
            self.drop()
            self._number = written.file
            path = data_path(self._spool, written.file)
            try:
                file = self._files.new(self._attempt)
            except OSError as error:
                raise no_room(error) from error
            self._reading = DataReading(path, self._redactor, self._limit_bytes, file)
        return self._reading
