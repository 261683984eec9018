"""Makes what a child reported fit to leave: no secrets anywhere, no controls in its texts."""

from typing import Any

from worker.controls import neutralise
from worker.redaction import Redactor, distinct

# Names, types and states come from the plan and are checked; a secret that happens to be the word
# "success" must not break them.
_FREE = ("title", "message", "data", "resources", "errors", "logs", "reason", "partial")
_TEXTS = ("message", "errors", "logs", "reason", "partial", "advice", "traceback")


def clean_result(result: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return a task's result without secrets and controls."""
    cleaned = result | {key: redactor.redact_json(result[key]) for key in _FREE}
    if cleaned["resources"]:
        cleaned["resources"] = _with_distinct_ids(cleaned["resources"])
    return without_controls(cleaned)


def clean_text_object(value: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return an object of texts alone, such as an error, without secrets and controls."""
    redacted: dict[str, Any] = redactor.redact_json(value)
    return without_controls(redacted)


def without_controls(value: dict[str, Any]) -> dict[str, Any]:
    """Return `value` with the controls in its texts written out; data stays as it is."""
    return {key: _neutral(item) if key in _TEXTS else item for key, item in value.items()}


def _neutral(value: Any) -> Any:
    if isinstance(value, str):
        return neutralise(value)
    if isinstance(value, list):
        return [_neutral(item) for item in value]
    return value


def _with_distinct_ids(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Ids that differed by a secret alone are alike now, and alike ids are refused.
    seen: set[str] = set()
    for resource in resources:
        resource["id"] = distinct(resource["id"], seen)
        seen.add(resource["id"])
    return resources
