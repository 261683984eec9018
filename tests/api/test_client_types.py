from typing import Any

import pytest

from api.client_types import (
    annotation,
    default_of,
    is_enum,
    member,
    plain_name,
    references,
)


@pytest.mark.parametrize(
    ("schema", "known"),
    [
        ({"type": "string"}, "str"),
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "integer"}, "int"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "float | None"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Job"}}, "tuple[Job, ...]"),
        ({"type": "object", "additionalProperties": True}, "dict[str, Any]"),
        ({"enum": ["a", "b"], "type": "string"}, 'Literal["a", "b"]'),
        ({"const": "ok"}, 'Literal["ok"]'),
        ({}, "Any"),
    ],
)
def test_each_schema_has_its_type(schema: dict[str, Any], known: str) -> None:
    assert annotation(schema) == known


def test_names_that_pydantic_has_taken_are_changed() -> None:
    assert (plain_name("schema"), plain_name("state")) == ("schema_", "state")


def test_references_are_found_at_any_depth() -> None:
    part = [{"a": {"$ref": "#/components/schemas/A"}}, {"$ref": "#/components/headers/B"}]
    assert list(references(part)) == ["A"]
    assert is_enum({"enum": ["a"]})


def test_words_become_names() -> None:
    assert (member("open"), member("dev.trueline.job.finished")) == ("OPEN", "JOB_FINISHED")


def test_defaults_are_of_the_fields_type() -> None:
    assert default_of({"default": []}) == "default=()"
    assert default_of({"default": {}}) == "default_factory=dict"
    reference = {"$ref": "#/components/schemas/Kind", "default": "a"}
    assert default_of(reference) == "default=Kind.A"
    assert default_of({}) == "default=None"
