"""What an insight returns: one resource a violation, under an id that lasts."""

import hashlib
from collections.abc import Sequence
from typing import Any

LONGEST_ID = 1000


def resource(
    resource_id: str, message: str, severity: str | None = None, **data: Any
) -> dict[str, Any]:
    """Return one violation; `severity` None leaves the insight's own."""
    return {
        "id": lasting_id(resource_id),
        "message": message,
        "severity": severity,
        "data": data or None,
    }


def lasting_id(text: str) -> str:
    """Return `text`, or for a very long path its beginning and a hash of all of it."""
    if len(text) <= LONGEST_ID:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: LONGEST_ID - 20]}...{digest}"


def judged(resources: Sequence[dict[str, Any]], passed: str, failed: str) -> dict[str, Any]:
    """Return an insight's result; `passed` and `failed` are its message, by the outcome."""
    return {
        "violation": bool(resources),
        "resources": list(resources),
        "data": {"count": len(resources)},
        "message": failed if resources else passed,
    }


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 file`, `2 files`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
