from typing import Any

import pytest

from utils.schema_walk import references, resolve, walk

SCHEMA: dict[str, Any] = {
    "properties": {"a/b": {"items": [{"not": {}}]}, "$ref": {"const": {"$ref": "#/none"}}},
    "allOf": [{"if": {"$ref": "#/odd/place"}}],
    "additionalProperties": False,
    "$defs": {"named": {"$anchor": "here"}, "recursive": {"items": {"$ref": "#/$defs/recursive"}}},
    "odd": {"place": {"title": "only a reference leads here"}},
    "enum": [{"properties": {"not": "a schema"}}],
}


def test_every_subschema_is_met_once_with_its_pointer() -> None:
    pointers = [pointer for pointer, _ in walk(SCHEMA)]
    assert len(pointers) == len(set(pointers))
    assert set(pointers) == {
        "",
        "/properties/a~1b",
        "/properties/a~1b/items/0",
        "/properties/a~1b/items/0/not",
        "/properties/$ref",
        "/allOf/0",
        "/allOf/0/if",
        "/odd/place",
        "/$defs/named",
        "/$defs/recursive",
        "/$defs/recursive/items",
    }


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("#", SCHEMA),
        ("#/properties/a~1b", SCHEMA["properties"]["a/b"]),
        ("#/properties/a%7E1b/items/0", {"not": {}}),
        ("#here", SCHEMA["$defs"]["named"]),
        ("#nowhere", None),
        ("#/properties/none", None),
        ("#/allOf/1", None),
        ("#/allOf", None),
        ("other#/properties", None),
    ],
)
def test_local_references_are_resolved(ref: str, expected: Any) -> None:
    assert resolve(SCHEMA, ref) == expected


def test_references_are_told_by_keyword() -> None:
    assert references({"$ref": "#a", "$dynamicRef": "#b", "properties": {}}) == [
        ("$ref", "#a"),
        ("$dynamicRef", "#b"),
    ]
    assert references({"$ref": {"type": "string"}}) == []
