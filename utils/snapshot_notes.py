"""What is known of a snapshot beside its files: what it lacks, and since when it is trusted."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Notes:
    """`boot` is the start of the machine in which the snapshot was made; empty: it is on the disk.

    A machine that loses its power loses any part of what was written since its start.
    """

    rejected: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    boot: str = ""

    def hold_in(self, boot: str) -> bool:
        """Tell whether a snapshot with these notes is whole in this start of the machine."""
        return self.boot in {"", boot}

    def as_json(self) -> bytes:
        """Return them as they are stored."""
        return json.dumps(asdict(self)).encode()


def read_notes(path: Path) -> Notes | None:
    """Return what a file has; None when there is none, or the machine's end has damaged it."""
    try:
        return Notes(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
