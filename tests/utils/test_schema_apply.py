import re
from typing import Any

import pytest

from utils.schema_apply import Application

SECRET = {"format": "password"}
HIDDEN = {"writeOnly": True}


def secrets(schema: dict[str, Any], config: Any) -> tuple[str, ...]:
    return Application(schema, lambda pattern, name: bool(re.search(pattern, name))).secrets(config)


@pytest.mark.parametrize(
    ("schema", "config", "expected"),
    [
        ({"properties": {"a": SECRET, "b": {}}}, {"a": 1, "b": 2}, ("/a",)),
        ({"properties": {"a": HIDDEN}}, {"a": {"b": 1}}, ("/a",)),
        ({"properties": {"a": {**HIDDEN, "properties": {"b": SECRET}}}}, {"a": {"b": 1}}, ("/a",)),
        ({"properties": {"a": {"writeOnly": False}}}, {"a": 1}, ()),
        ({"properties": {"a": SECRET}}, {}, ()),
        ({"properties": {"a/b~c": SECRET}}, {"a/b~c": 1}, ("/a~1b~0c",)),
        ({"properties": {"l": {"items": SECRET}}}, {"l": [1, 2]}, ("/l/0", "/l/1")),
        (
            {
                "properties": {
                    "l": {"prefixItems": [{}, SECRET], "items": {"properties": {"p": SECRET}}}
                }
            },
            {"l": [1, 2, {"p": 3}]},
            ("/l/1", "/l/2/p"),
        ),
        ({"properties": {"l": {"items": [{}, SECRET]}}}, {"l": [1, 2, 3]}, ("/l/1",)),
        (
            {"properties": {"l": {"items": [{}], "additionalItems": SECRET}}},
            {"l": [1, 2]},
            ("/l/1",),
        ),
        ({"properties": {"l": {"contains": SECRET}}}, {"l": [1]}, ("/l/0",)),
        (
            {"properties": {"a": {}}, "additionalProperties": SECRET},
            {"a": 1, "b": 2},
            ("/b",),
        ),
        (
            {"patternProperties": {"_key$": SECRET}, "additionalProperties": {}},
            {"x_key": 1, "host": 2},
            ("/x_key",),
        ),
        ({"unevaluatedProperties": SECRET}, {"a": 1}, ("/a",)),
        ({"allOf": [{"properties": {"a": SECRET}}]}, {"a": 1}, ("/a",)),
        (
            {"oneOf": [{"properties": {"a": SECRET}}, {"properties": {"b": SECRET}}]},
            {"a": 1, "b": 2},
            ("/a", "/b"),
        ),
        ({"anyOf": [{}, {"properties": {"a": SECRET}}]}, {"a": 1}, ("/a",)),
        (
            {
                "if": {"properties": {"m": {"const": 1}}},
                "then": {"properties": {"a": SECRET}},
                "else": {"properties": {"b": SECRET}},
            },
            {"m": 1, "a": 1, "b": 2},
            ("/a", "/b"),
        ),
        ({"dependentSchemas": {"m": {"properties": {"a": SECRET}}}}, {"m": 1, "a": 1}, ("/a",)),
        ({"dependencies": {"m": ["a"], "n": {"properties": {"a": SECRET}}}}, {"a": 1}, ("/a",)),
        (
            {"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": SECRET}},
            {"a": 1},
            ("/a",),
        ),
        (
            {"properties": {"a": {"$ref": "#s"}}, "$defs": {"s": {**SECRET, "$anchor": "s"}}},
            {"a": 1},
            ("/a",),
        ),
        (HIDDEN, {"a": 1, "b": 2}, ("/a", "/b")),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "properties": {"l": {"prefixItems": [{}], "items": SECRET}},
            },
            {"l": [1]},
            ("/l/0",),
        ),
    ],
)
def test_secrets_are_found_at_any_depth(
    schema: dict[str, Any], config: Any, expected: tuple[str, ...]
) -> None:
    assert secrets(schema, config) == expected


def test_name_that_may_match_a_pattern_or_not_is_looked_at_both_ways() -> None:
    schema = {"patternProperties": {"x": {}}, "additionalProperties": SECRET}
    assert Application(schema, lambda _pattern, _name: None).secrets({"a": 1}) == ("/a",)
    assert Application(schema, lambda _pattern, _name: True).secrets({"a": 1}) == ()


def test_a_recursive_schema_ends_and_finds_all() -> None:
    schema = {"properties": {"key": SECRET, "kids": {"items": {"$ref": "#"}}}, "$ref": "#"}
    config = {"key": 1, "kids": [{"key": 2, "kids": [{"key": 3}]}]}
    assert secrets(schema, config) == ("/key", "/kids/0/key", "/kids/0/kids/0/key")


def test_checks_count_every_way_a_schema_reaches_a_value() -> None:
    application = Application(
        {"allOf": [{"$ref": "#/$defs/a"}] * 3, "$defs": {"a": {"properties": {"x": {}}}}},
        lambda _pattern, _name: True,
    )
    assert application.checks({}) == 1 + 3 * 2
    assert application.checks({"x": 1}) == 1 + 3 * 3
