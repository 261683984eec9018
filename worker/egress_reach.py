"""What one job reached, or tried to: a row for each host and port, and for each reason why not."""

from dataclasses import asdict, dataclass, field
from typing import Any

MOST_ROWS = 100  # a job that tries ports and names without end must not fill the records
LONGEST_HOST = 260


@dataclass
class Reach:
    """One host and port as the proxy saw it; bytes are those on the way to it and back."""

    host: str
    port: int
    allowed: bool
    reason: str | None = None  # why it was refused, or why it could not be reached
    connections: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


@dataclass
class ReachRecord:
    """All rows of one job; those beyond the limit are counted alone."""

    omitted: int = 0
    _rows: dict[tuple[str, int, bool, str | None], Reach] = field(default_factory=dict)

    def note(self, host: str, port: int, *, allowed: bool, reason: str | None = None) -> Reach:
        """Count one connection; what is carried over it is added to the row that this returns."""
        key = (host[:LONGEST_HOST], port, allowed, reason)
        row = self._rows.get(key)
        if row is None:
            row = Reach(*key)
            if len(self._rows) >= MOST_ROWS:
                self.omitted += 1
                return row
            self._rows[key] = row
        row.connections += 1
        return row

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows in the order in which they came up."""
        return [asdict(row) for row in self._rows.values()]
