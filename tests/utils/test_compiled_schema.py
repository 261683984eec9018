from typing import Any

import pytest

from utils.compiled_schema import KEPT_LENGTH, KEPT_PATTERNS, compiled
from utils.config_schema import secret_pointers, validate_config


def patterned(count: int) -> dict[str, Any]:
    return {"properties": {f"p{number}": {"pattern": "^a"} for number in range(count)}}


def test_small_schema_is_made_ready_once() -> None:
    assert compiled({"type": "object"}) is compiled({"type": "object"})
    assert compiled({"type": "object"}) is not compiled({"type": "array"})


@pytest.mark.parametrize("schema", [{"title": "x" * KEPT_LENGTH}, patterned(KEPT_PATTERNS + 1)])
def test_schema_that_takes_memory_is_not_kept(schema: dict[str, Any]) -> None:
    assert compiled(schema) is not compiled(schema)
    assert compiled(schema).validator.is_valid({"p0": "a"})


@pytest.mark.parametrize("mark", [{"format": "password"}, {"writeOnly": True}])
def test_schema_that_was_made_ready_still_tells_secrets(mark: dict[str, Any]) -> None:
    schema = {"properties": {"a": {"items": mark}}}
    assert compiled(schema).may_have_secrets
    assert secret_pointers(schema, {"a": ["x"]}) == ("/a/0",)
    assert not compiled({"properties": {"password": {}}}).has_references


def test_references_are_counted_one_by_one() -> None:
    twice = {"allOf": [{"$ref": "#/$defs/a"}] * 2}
    schema = {**twice, "$defs": {"a": {"type": "object"}}}
    assert compiled(schema).has_references
    assert validate_config(schema, {}) == []
