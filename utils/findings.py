"""What a task may return: checks it, tells what was expected and what came, and encodes it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from utils.data_file import INLINE_BYTES, DataFile, LargeData
from utils.errors import InvalidResult
from utils.jsonable import (
    check_size,
    encoded,
    encoded_small,
    jsonable,
    shortened,
    shown_kind,
    size_bytes,
)
from utils.results import NOTHING
from utils.suggest import did_you_mean
from utils.tasks import Severity, TaskType

RETURNED = "return value"
MAX_ID_CHARACTERS = 1024
MAX_SHOWN_BYTES = 16 * 1024 * 1024  # of message and resources, which people read

_KEYS = {TaskType.INSIGHT: ("data", "message", "violation", "resources")}
_PLAIN_KEYS = ("data", "message")
_RESOURCE_KEYS = ("id", "message", "severity", "data")


OpenData = Callable[[], DataFile]


class Finding(NamedTuple):
    """What a task found, fit to be recorded; `data` and `resources` are JSON text.

    Where there is `large` data, `data` is null.
    """

    data: str
    message: str | None
    violation: bool
    resources: str
    large: LargeData | None = None


def checked_finding(
    returned: Any, kind: TaskType, limit_bytes: int, open_data: OpenData | None = None
) -> Finding:
    """Check and encode what a task returned; `open_data` gives a file for data that is large.

    A collector returns `{"data": dict | list, "message"?: str}`; an insight may add
    `"violation": bool` and `"resources": [{"id": str, "message"?, "severity"?, "data"?}]`.
    Raises InvalidResult with the path to what is wrong.
    """
    fields = _checked_fields(returned, kind)
    data, large = _encoded_data(fields, limit_bytes, open_data)
    message = _checked_message(fields.get("message"), "message", limit_bytes)
    resources = _checked_resources(fields.get("resources"), limit_bytes)
    violation = _checked_violation(fields, resources)
    listed = NOTHING if resources is None else encoded(resources, "resources", limit_bytes)
    shown_bytes = size_bytes(message or "") + size_bytes(listed)
    data_bytes = large.size_bytes if large else size_bytes(data)
    check_size(data_bytes + shown_bytes, RETURNED, limit_bytes)
    _check_shown(shown_bytes)
    return Finding(data, message, violation, listed, large)


def _checked_fields(returned: Any, kind: TaskType) -> Mapping[str, Any]:
    known = _KEYS.get(kind, _PLAIN_KEYS)
    if not isinstance(returned, Mapping):
        forgotten = "; did the function forget to return?" if returned is None else ""
        raise InvalidResult(
            RETURNED,
            f'expected a dict with "data", got {shown_kind(returned)}{forgotten}',
            'end the task with `return {"data": {...}, "message": "..."}`',
        )
    for key in returned:
        if key not in known:
            raise InvalidResult(RETURNED, *_unknown_key(key, known, kind))
    if "data" not in returned:
        raise InvalidResult(
            RETURNED, 'the key "data" is missing', 'put what the task found under "data"'
        )
    return returned


def _unknown_key(key: Any, known: Collection[str], kind: str) -> tuple[str, str]:
    whose = "a resource" if known is _RESOURCE_KEYS else f"what {kind} tasks return"
    shown = repr(shortened(key, 40)) if isinstance(key, str) else f"of type {shown_kind(key)}"
    nearest = did_you_mean(key, known) if isinstance(key, str) else ""
    if kind is TaskType.COLLECTOR and key in _KEYS[TaskType.INSIGHT]:
        return (
            f"a collector returned the key {shown}",
            'write type="insight" in @task, or remove it',
        )
    return (
        f"unknown key {shown}{nearest}",
        f'{whose} has the keys {", ".join(known)}; put the rest under "data"',
    )


def _encoded_data(
    fields: Mapping[str, Any], limit_bytes: int, open_data: OpenData | None
) -> tuple[str, LargeData | None]:
    data = fields["data"]
    if open_data is None or limit_bytes <= INLINE_BYTES:
        text = encoded(data, "data", limit_bytes)
    else:
        small = encoded_small(data, "data", INLINE_BYTES)
        if small is None:
            return NOTHING, _kept(data, limit_bytes, open_data)
        text = small
    if text[0] not in "{[":
        raise InvalidResult(
            "data",
            f"expected a dict or a list, got {shown_kind(data)}",
            'wrap it: {"data": {"value": ...}}',
        )
    return text, None


def _kept(data: Any, limit_bytes: int, open_data: OpenData) -> LargeData:
    from utils.pieces import write_pieces  # noqa: PLC0415 - for large data alone

    file = open_data()
    try:
        write_pieces(data, "data", limit_bytes, file.write)
    except BaseException:
        file.discard()
        raise
    return file.finish()


def _check_shown(shown_bytes: int) -> None:
    if shown_bytes > MAX_SHOWN_BYTES:
        raise InvalidResult(
            RETURNED,
            f"message and resources take {shown_bytes:,} bytes as JSON, more than the limit of "
            f"{MAX_SHOWN_BYTES:,} bytes",
            'keep them to what people read, and put the rest under "data"',
        )


def _checked_message(message: Any, path: str, limit_bytes: int) -> str | None:
    if message is None:
        return None
    if not isinstance(message, str):
        raise InvalidResult(
            path, f"expected text, got {shown_kind(message)}", "give a str, or leave it out"
        )
    return str(jsonable(message, path, limit_bytes))


def _checked_violation(fields: Mapping[str, Any], resources: list[Any] | None) -> bool:
    violation = fields.get("violation", bool(resources))
    violation = jsonable(violation, "violation", 16)  # numpy's booleans are no bool
    if not isinstance(violation, bool):
        raise InvalidResult(
            "violation",
            f"expected True or False, got {shown_kind(fields['violation'])}",
            "write bool(...) around it",
        )
    if resources and not violation:
        raise InvalidResult(
            "violation",
            f"it is False, and there are {len(resources)} resources in violation",
            'leave "violation" out, or return no resources',
        )
    return violation


def _checked_resources(value: Any, limit_bytes: int) -> list[Any] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise InvalidResult(
            "resources",
            f"expected a list of dicts, got {shown_kind(value)}",
            'return "resources": [{"id": "..."}], one for each violation',
        )
    resources = []
    places: dict[str, int] = {}
    for index, item in enumerate(value):
        resource = _checked_resource(item, f"resources[{index}]", limit_bytes)
        if resource["id"] in places:
            shown = shortened(resource["id"], 80)
            raise InvalidResult(
                f"resources[{index}].id",
                f"the same id {shown!r} as resources[{places[resource['id']]}]",
                "give each resource an id of its own, or put both findings into one",
            )
        places[resource["id"]] = index
        resources.append(resource)
    return resources


def _checked_resource(item: Any, path: str, limit_bytes: int) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise InvalidResult(
            path,
            f"expected a dict, got {shown_kind(item)}",
            'write {"id": "...", "message": "..."}',
        )
    for key in item:
        if key not in _RESOURCE_KEYS:
            raise InvalidResult(path, *_unknown_key(key, _RESOURCE_KEYS, "resource"))
    resource: dict[str, Any] = {
        "id": _checked_id(item.get("id"), f"{path}.id", limit_bytes),
        "message": _checked_message(item.get("message"), f"{path}.message", limit_bytes),
        "severity": _checked_severity(item.get("severity"), f"{path}.severity"),
        "data": jsonable(item.get("data"), f"{path}.data", limit_bytes),
    }
    if not isinstance(resource["data"], dict | None):
        raise InvalidResult(
            f"{path}.data", f"expected a dict, got {shown_kind(item['data'])}", "wrap it in a dict"
        )
    return resource


def _checked_id(value: Any, path: str, limit_bytes: int) -> str:
    advice = "give the text that names this resource from one run to the next"
    if not isinstance(value, str):
        raise InvalidResult(path, f"expected text, got {shown_kind(value)}", advice)
    if not value.strip() or len(value) > MAX_ID_CHARACTERS:
        raise InvalidResult(
            path, f"{len(value):,} characters, allowed are 1 to {MAX_ID_CHARACTERS:,}", advice
        )
    return str(jsonable(value, path, limit_bytes))


def _checked_severity(value: Any, path: str) -> str | None:
    known = [severity.value for severity in Severity]
    if value is None or value in known:
        return None if value is None else str(Severity(value))
    nearest = did_you_mean(value, known) if isinstance(value, str) else ""
    shown = shortened(str(value), 40)
    raise InvalidResult(
        path, f"unknown severity {shown!r}{nearest}", f"give one of {', '.join(known)}"
    )
