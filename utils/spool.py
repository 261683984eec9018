"""The results of a job on disk, so that a later child of the same job can read what is done."""

import json
import os
from collections.abc import Mapping
from typing import Any

from utils.data_file import Announce, DataFile
from utils.events import write_whole
from utils.results import TaskResult, parsed_result


class Spool:
    """A file of TaskResults, one JSON object a line; a last line without its end does not count."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def append(self, result: str) -> None:
        """Add a result that is JSON text already."""
        if self._descriptor is None:
            self._descriptor = self._open()
        write_whole(self._descriptor, f"{result}\n".encode())

    def results(self) -> Mapping[str, TaskResult]:
        """Return what is there by task name; the last of a name counts."""
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - pathlib costs each job 6 ms
                lines = [line for line in file if line.endswith(b"\n")]
        except FileNotFoundError:
            return {}
        found = [parsed_result(fields, self._path) for fields in map(_parsed, lines) if fields]
        return {result.name: result for result in found}

    def open_data(self, announce: Announce) -> DataFile:
        """Make a file for data that is too large for a line."""
        return DataFile(self._path, announce)

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(descriptor).st_size:
            write_whole(descriptor, b"\n")  # ends a line that a killed child left half-written
        return descriptor


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        fields: dict[str, Any] = json.loads(line)
    except ValueError:  # empty, or half-written when a child was killed
        return None
    return fields
