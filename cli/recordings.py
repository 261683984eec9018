"""A folder of recorded exchanges that a local run fills: a task's earlier ones are replaced."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils.exchange_file import exchange_of, read_exchanges, write_exchange


class Recording:
    """One run's. What was recorded before stays until `finish`, should the run be killed."""

    def __init__(self, folder: Path) -> None:
        self.written: list[Path] = []
        self._folder = folder
        earlier = sorted(folder.glob("*.json"))
        self._earlier = dict(_by_path(folder)) if earlier else {}
        self._number = max((_number_of(path) for path in earlier), default=0)
        self._tasks: set[str] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Write the exchange of an event."""
        exchange = exchange_of(event["exchange"])
        self._number += 1
        self._tasks.add(exchange.task)
        self.written.append(write_exchange(self._folder, self._number, exchange))

    def finish(self) -> None:
        """Remove what earlier runs recorded of the tasks that were recorded now."""
        for path, task in self._earlier.items():
            if task in self._tasks:
                path.unlink(missing_ok=True)


def _by_path(folder: Path) -> list[tuple[Path, str]]:
    return [(folder / one.name, one.task) for one in read_exchanges(folder)]


def _number_of(path: Path) -> int:
    number = path.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0
