"""The parts of a JSON Schema, and where its local references lead."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from utils.pointers import json_pointer, value_at

Schema = Mapping[str, Any]

MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
MIXED_MAPS = ("dependencies",)  # older drafts: names or schemas
IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")  # their parts apply to the very same value
IN_PLACE = ("not", "if", "then", "else")
LISTS = (*IN_PLACE_LISTS, "prefixItems")
ONES = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "contentSchema"),
    *("items", "additionalItems", "unevaluatedItems", "contains"),
    *IN_PLACE,
)
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def walk(root: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every subschema once with its JSON pointer, those that only a `$ref` reaches too."""
    pending: list[tuple[str, Any]] = [("", root)]
    seen: set[int] = set()
    while pending:
        pointer, schema = pending.pop()
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield pointer, schema
        parts = [(f"{pointer}{step}", part) for step, part in _parts(schema)]
        pending += reversed(parts)
        targets = [(ref, resolve(root, ref)) for _, ref in references(schema)]
        pending += [(ref.removeprefix("#"), target) for ref, target in targets]


def references(schema: Schema) -> list[tuple[str, str]]:
    """Return the keyword and the value of each reference that a schema makes itself."""
    return [(word, schema[word]) for word in REFERENCES if isinstance(schema.get(word), str)]


def resolve(root: Schema, ref: str) -> Any:
    """Return what a local reference (`#...`) leads to, or None."""
    fragment = unquote(ref.removeprefix("#"))
    if not ref.startswith("#"):
        return None
    if fragment and not fragment.startswith("/"):
        return _anchored(root, fragment)
    target = value_at(root, fragment)
    return target if isinstance(target, (Mapping, bool)) else None


def _anchored(root: Schema, name: str) -> Any:
    pending: list[Any] = [root]
    while pending:
        schema = pending.pop()
        if not isinstance(schema, Mapping):
            continue
        if name in {schema.get("$anchor"), schema.get("$dynamicAnchor")}:
            return schema
        if f"#{name}" in {_text(schema.get("$id")), _text(schema.get("id"))}:
            return schema
        pending += [part for _, part in _parts(schema)]
    return None


def _parts(schema: Schema) -> Iterator[tuple[str, Any]]:
    for word in (*MAPS, *MIXED_MAPS):
        if isinstance(parts := schema.get(word), Mapping):
            for name, part in parts.items():
                yield json_pointer([word, name]), part
    for word in (*LISTS, *ONES):
        parts = schema.get(word)
        if isinstance(parts, list):
            for position, part in enumerate(parts):
                yield json_pointer([word, position]), part
        elif parts is not None:
            yield json_pointer([word]), parts


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
