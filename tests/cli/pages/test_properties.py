from typing import Any

import pytest

from cli.pages.properties import example_config, properties_of


@pytest.mark.parametrize(
    ("part", "kind", "description"),
    [
        ({"type": "string", "description": "A."}, "string", "A"),
        ({"type": ["string", "null"], "title": "T"}, "string or null", "T"),
        ({"type": "array", "items": {"type": "integer"}}, "list of integer", ""),
        ({"anyOf": [{"type": "string"}, {"enum": [None]}]}, "string or one of `null`", ""),
        ({"enum": ["a", 1]}, 'one of `"a"`, `1`', ""),
        ({"minimum": 1, "maximum": 9}, "any", "at least `1`; at most `9`"),
        ({"minLength": 2, "pattern": "^a"}, "any", "at least `2` characters; matches `^a`"),
    ],
)
def test_a_property_tells_its_type_and_bounds(
    part: dict[str, Any], kind: str, description: str
) -> None:
    (found,) = properties_of({"properties": {"a": part}})
    assert (found.kind, found.description) == (kind, description)


def test_properties_within_others_are_named_by_their_place() -> None:
    schema = {
        "properties": {
            "server": {"properties": {"port": {"writeOnly": True}}},
            "zones": {"type": "array", "items": {"properties": {"name": {}}}},
        }
    }
    assert [(one.name, one.is_secret) for one in properties_of(schema)] == [
        ("server", False),
        ("server.port", True),
        ("zones", False),
        ("zones[].name", False),
    ]


def test_a_schema_without_end_is_read_to_a_bound() -> None:
    schema: dict[str, Any] = {}
    for _ in range(300):
        schema = {"type": "array", "properties": {"a": schema}, "items": schema}
    assert len(list(properties_of({"properties": {"a": schema}}))) < 1_000


def test_an_example_holds_what_is_required() -> None:
    schema = {
        "required": ["url", "days", "zones", "mode", "on"],
        "properties": {
            "url": {"type": "string"},
            "days": {"type": "integer", "default": 3},
            "zones": {"type": "array"},
            "mode": {"enum": ["fast", "safe"]},
            "on": {"type": "boolean"},
            "extra": {"type": "string"},
        },
    }
    wanted = {"url": "...", "days": 3, "zones": [], "mode": "fast", "on": True}
    assert example_config(schema) == wanted
