"""JSON Schema of the description as annotations of Python; pure."""

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

SIMPLE: Mapping[str, str] = MappingProxyType(
    {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "null": "None"}
    | {"object": "dict[str, Any]"}
)
TAKEN = frozenset({"schema", "copy", "json", "construct", "dict", "validate"})  # by pydantic


def annotation(schema: Mapping[str, Any]) -> str:
    """Return the type of the values that a schema describes."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(annotation(one) for one in schema["anyOf"]))
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if words:
        return f"Literal[{', '.join(json.dumps(word) for word in words)}]"
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "datetime"
    if schema.get("type") == "array":
        return f"tuple[{annotation(schema.get('items', {}))}, ...]"
    return SIMPLE.get(str(schema.get("type")), "Any")


def is_enum(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema of the components is a set of words."""
    return "enum" in schema


def plain_name(name: str) -> str:
    """Return a field's name in Python."""
    return f"{name}_" if name in TAKEN else name


def member(word: str) -> str:
    """Return the name of a word in its enumeration: the last parts of one with dots."""
    return re.sub(r"\W", "_", ".".join(word.split(".")[-2:])).upper()


def default_of(schema: Mapping[str, Any]) -> str:
    """Return the option that gives a field its default."""
    default = schema.get("default")
    if isinstance(default, list):
        return f"default={tuple(default)!r}"
    if isinstance(default, dict):
        return "default_factory=dict"
    if isinstance(default, str) and "$ref" in schema:
        return f"default={annotation(schema)}.{member(default)}"
    return f"default={default!r}"


def references(part: Any) -> Iterator[str]:
    """Yield the names of the schemas that a part of the description refers to."""
    if isinstance(part, dict):
        reference = part.get("$ref", "")
        if isinstance(reference, str) and "/schemas/" in reference:
            yield reference.rpartition("/")[2]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)
