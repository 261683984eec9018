"""`integrations.json` with the lines on which its entries stand."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.manifest import MANIFEST, SIZE_LIMIT_BYTES

_AND_PUSH = (" and push", f"; correct {MANIFEST}")
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class PlacedEntry:
    """One item of the list, with its text and the line where it begins."""

    value: Any
    line: int
    text: str

    @property
    def name(self) -> str:
        """Its name, or '' where it has none that could be one."""
        name = self.value.get("name") if isinstance(self.value, Mapping) else None
        return name if isinstance(name, str) else ""

    @property
    def schema(self) -> Mapping[str, Any]:
        """Its schema, empty where there is none."""
        schema = self.value.get("schema") if isinstance(self.value, Mapping) else None
        return schema if isinstance(schema, Mapping) else {}

    def line_of(self, *keys: str) -> int:
        """Return the line of a key, looked for inside of the keys before it."""
        position = 0
        for key in keys:
            found = re.compile(rf"{re.escape(json.dumps(key))}\s*:").search(self.text, position)
            if found is None:
                break
            position = found.start()
        return self.line + self.text.count("\n", 0, position)


def before_a_push(advice: str) -> str:
    """Return advice on a manifest for whom it lies on disk: nothing is pushed yet."""
    for said in _AND_PUSH:
        advice = advice.removesuffix(said)
    return advice


def read_bytes(path: Path) -> bytes:
    """Read a manifest, as much of it as can tell that it is too large."""
    with path.open("rb") as file:
        return file.read(SIZE_LIMIT_BYTES + 1)


def placed_entries(content: bytes) -> tuple[PlacedEntry, ...]:
    """Return the items of a manifest that can be parsed; none of another."""
    text = content.decode("utf-8-sig", "replace")
    decoder = json.JSONDecoder()
    found: list[PlacedEntry] = []
    position = _after(text, 0, "[")
    while position is not None:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        line = text.count("\n", 0, position) + 1
        found.append(PlacedEntry(value, line, text[position:end]))
        position = _after(text, end, ",")
    return tuple(found)


def _after(text: str, position: int, mark: str) -> int | None:
    """Return where the next value begins when this mark is the next character."""
    start = _skipped(text, position)
    return _skipped(text, start + 1) if text[start : start + 1] == mark else None


def _skipped(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
