"""How the API reads and writes JSON: strict on the way in, ISO 8601 times on the way out."""

import json
from datetime import UTC, datetime
from typing import Any, NoReturn

from flask.json.provider import JSONProvider
from pydantic import BaseModel


class JsonFormat(JSONProvider):
    """Flask's JSON, without NaN, without endless nesting, with times as `...T...Z`."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write compact JSON."""
        return json.dumps(
            obj,
            default=_plain,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            **kwargs,
        )

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON; raises ValueError for whatever is not."""
        try:
            return json.loads(s, parse_constant=_refuse_constant, **kwargs)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error


def iso(time: datetime) -> str:
    """Write a time as the API shows it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not part of an answer")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
