"""What the worker says about itself, in a file that `trueline doctor` and operators can read."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from utils.files import write_durably
from worker.current_catalogue import CurrentCatalogue
from worker.errors import WorkerError
from worker.leasing import Leasing
from worker.outbox import Outbox
from worker.publishing import Publishing
from worker.sync import Sync
from worker.warm import WarmStarts

log = structlog.get_logger()


@dataclass(frozen=True)
class Heartbeat:
    """One look at everything; also sends the catalogue again where the API misses it."""

    path: Path
    worker: str
    outbox: Outbox
    leasing: Leasing
    sync: Sync
    current: CurrentCatalogue
    publishing: Publishing
    warm: WarmStarts

    def beat(self) -> None:
        """Write the file, end warm processes that no job can ask for, catch up on the catalogue."""
        self.warm.retain(self.current.get().prepared)
        try:
            write_durably(self.path, json.dumps(self._state(), indent=2).encode())
        except (OSError, WorkerError) as error:
            log.warning(
                "heartbeat not written",
                reason=str(error),
                advice="free some room on the disk of the data directory",
            )
        self.publishing.catch_up()

    def _state(self) -> dict[str, object]:
        problem = self.sync.state.problem
        return {
            "worker": self.worker,
            "pid": os.getpid(),
            "at": datetime.now(UTC).isoformat(),
            "jobs_running": self.leasing.running,
            "warm": asdict(self.warm.totals()),
            "outbox": asdict(self.outbox.depth()),
            "commit": self.current.get().commit,
            "source": {
                "state": self.sync.state.name,
                "problem": problem.as_json() if problem else None,
            },
        }
