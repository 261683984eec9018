"""A folder of recorded exchanges that a local run fills: a task's earlier ones are replaced."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils.exchange_file import exchange_of, exchange_paths, read_exchanges, write_exchange

_LOOPBACK = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?![\w.:@-])")


class Recording:
    """One run's. What was recorded before stays until `finish`, should the run be killed.

    With a `name`, servers of loopback are written down as if they were there.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self.written: list[Path] = []
        self._folder = folder
        self._name = name
        earlier = exchange_paths(folder)
        self._earlier = dict(_by_path(folder)) if earlier else {}
        self._number = max((_number_of(path) for path in earlier), default=0)
        self._tasks: set[str] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Write the exchange of an event."""
        fields = event["exchange"]
        exchange = exchange_of(_renamed(fields, self._name) if self._name else fields)
        self._number += 1
        self._tasks.add(exchange.task)
        self.written.append(write_exchange(self._folder, self._number, exchange))

    def finish(self) -> None:
        """Remove what earlier runs recorded of the tasks that were recorded now."""
        for path, task in self._earlier.items():
            if task in self._tasks:
                path.unlink(missing_ok=True)


def _renamed(value: Any, name: str) -> Any:
    """Return JSON with another address in place of those of loopback."""
    if isinstance(value, str):
        return _LOOPBACK.sub(lambda _: name, value)
    if isinstance(value, list):
        return [_renamed(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item, name) for key, item in value.items()}
    return value


def _by_path(folder: Path) -> list[tuple[Path, str]]:
    return [(folder / one.name, one.task) for one in read_exchanges(folder)]


def _number_of(path: Path) -> int:
    number = path.name.partition("-")[0]
    return int(number) if number.isdecimal() else 0
