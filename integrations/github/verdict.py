"""What an insight returns: one resource a violation, under an id that lasts."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

Resource = dict[str, Any]


def resource(resource_id: str, message: str, severity: str | None = None, **data: Any) -> Resource:
    """Return one violation; `severity` None leaves the insight's own."""
    return {"id": resource_id, "message": message, "severity": severity, "data": data or None}


def judged(resources: Sequence[Resource], passed: str, one: str, many: str = "") -> dict[str, Any]:
    """Return an insight's result; its message is `passed`, or how many there are of what.

    A list that changes while its pages are read may name something twice.
    """
    once = list({it["id"]: it for it in resources}.values())
    return {
        "violation": bool(once),
        "resources": once,
        "data": {"count": len(once)},
        "message": counted(len(once), one, many) if once else passed,
    }


def without_allowed(
    resources: Iterable[Resource], allowed: Collection[str], key: str
) -> list[Resource]:
    """Leave out resources whose data name something on an allow list."""
    lowered = {name.lower() for name in allowed}
    return [one for one in resources if str(one["data"][key]).lower() not in lowered]


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 alert`, `2 alerts`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
