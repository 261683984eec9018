"""The settings of a config as its schema tells them, one row each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DEEPEST = 6
_BOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "minimum": "at least `{}`",
        "exclusiveMinimum": "more than `{}`",
        "maximum": "at most `{}`",
        "exclusiveMaximum": "less than `{}`",
        "minLength": "at least `{}` characters",
        "maxLength": "at most `{}` characters",
        "pattern": "matches `{}`",
    }
)


@dataclass(frozen=True)
class Property:
    """One setting; `name` leads to it, as `server.port` or `zones[].name`."""

    name: str
    kind: str
    is_required: bool
    default: str
    description: str
    is_secret: bool


def properties_of(
    schema: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[Property]:
    """Yield the properties of a schema, those of objects within it after their own."""
    parts = schema.get("properties")
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    for name, part in parts.items() if isinstance(parts, Mapping) else ():
        if not isinstance(part, Mapping):
            continue
        shown = f"{prefix}{name}"
        yield Property(
            name=shown,
            kind=_kind(part),
            is_required=name in required,
            default=json.dumps(part["default"], ensure_ascii=False) if "default" in part else "",
            description=_description(part),
            is_secret=part.get("format") == "password" or part.get("writeOnly") is True,
        )
        if depth < DEEPEST:
            yield from properties_of(part, f"{shown}.", depth + 1)
            items = part.get("items")
            if isinstance(items, Mapping):
                yield from properties_of(items, f"{shown}[].", depth + 1)


def example_config(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with what the schema requires, to be filled in."""
    wanted = [one for one in properties_of(schema, depth=DEEPEST) if one.is_required]
    parts = schema.get("properties", {})
    return {one.name: _example(parts[one.name]) for one in wanted}


def _kind(part: Mapping[str, Any], depth: int = 0) -> str:
    choices = part.get("anyOf", part.get("oneOf"))
    if "type" not in part and isinstance(choices, list) and depth < DEEPEST:
        kinds = [_kind(one, depth + 1) for one in choices if isinstance(one, Mapping)]
        return " or ".join(dict.fromkeys(kinds)) or "any"
    kind = part.get("type", "any")
    shown = " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    items = part.get("items")
    if shown == "array" and isinstance(items, Mapping) and depth < DEEPEST:
        return f"list of {_kind(items, depth + 1)}"
    if isinstance(part.get("enum"), list):
        return "one of " + ", ".join(
            f"`{json.dumps(one, ensure_ascii=False)}`" for one in part["enum"]
        )
    return shown


def _description(part: Mapping[str, Any]) -> str:
    title, text = str(part.get("title", "")), str(part.get("description", ""))
    said = [text or title]
    said += [meaning.format(part[word]) for word, meaning in _BOUNDS.items() if word in part]
    return "; ".join(one.rstrip(".") for one in said if one)


def _example(part: Mapping[str, Any]) -> Any:
    for word in ("default", "const"):
        if word in part:
            return part[word]
    for word in ("examples", "enum"):
        if isinstance(part.get(word), list) and part[word]:
            return part[word][0]
    kinds = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    kind = part.get("type")
    return kinds.get(kind, "...") if isinstance(kind, str) else "..."
