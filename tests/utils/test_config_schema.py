"""Security rows 17 and 18."""

import threading
from typing import Any

import pytest

from utils.config_schema import BadSchema, check_schema, secret_pointers, validate_config

LISTENING = "http://127.0.0.1:{}/schema.json"


def with_pattern(pattern: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": {"type": "string", "pattern": pattern}}}


def doubling(levels: int) -> dict[str, Any]:
    parts: dict[str, Any] = {
        f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(levels)
    }
    return {
        "type": "object",
        "properties": {"z": {"$ref": "#/$defs/a0"}},
        "$defs": {**parts, f"a{levels}": {}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": ["object"], "title": "x"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
        {"$schema": "http://json-schema.org/draft-04/schema", "type": "object"},
        {"$id": "https://example.com/x", "type": "object", "$defs": {"a": {}}},
        {"type": "object", "properties": {"$ref": {"type": "string"}, "pattern": {}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/b%7Ec"}}, "$defs": {"b~c": True}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"$ref": "#n"}}, "$defs": {"n": {"$anchor": "n"}}},
        with_pattern(r"^(?!env:)\w+$"),
    ],
)
def test_usable_schemas(schema: dict[str, Any]) -> None:
    check_schema(schema)
    assert validate_config(schema, {}) == []


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (True, "not an object"),
        ([], "not an object"),
        ({"type": "array"}, "/type"),
        ({"properties": {}}, "/type"),
        ({"type": "object", "properties": {"a": {"type": "strnig"}}}, "/properties/a/type"),
        ({"type": "object", "required": "a"}, "/required"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/no"}}}, "leads to no schema"),
        ({"type": "object", "properties": {"a": {"$ref": "other.json"}}}, "nothing is fetched"),
        ({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}, "is not in this"),
        ({"type": "object", "properties": {"a": {"$dynamicRef": "http://x"}}}, "is not in this"),
        ({"type": "object", "properties": {"a": {"$id": "http://x/y"}}}, "only a whole schema"),
        ({"type": "object", "$ref": "#"}, "back to itself"),
        ({"type": "object", "$schema": "https://example.com"}, "no known draft"),
        ({"type": "object", "$schema": 7}, "no known draft"),
        ({"type": "object", "patternProperties": {"([": {}}}, "the pattern"),
        (with_pattern("(a{1,900}){1,900}"), "too large"),
        (doubling(30), "unfold"),
        ({"type": "object", "title": "\x00"}, "NUL"),
    ],
)
def test_unusable_schemas_say_where_and_what_to_do(schema: Any, reason: str) -> None:
    with pytest.raises(BadSchema) as refused:
        check_schema(schema)
    assert reason in refused.value.reason
    assert refused.value.advice


def test_a_remote_ref_is_never_fetched(silent_port: int) -> None:
    url = LISTENING.format(silent_port)
    schema = {"type": "object", "properties": {"a": {"$ref": url}}}
    with pytest.raises(BadSchema):
        check_schema(schema)
    with pytest.raises(Exception, match=str(silent_port)):
        validate_config(schema, {"a": 1})  # unchecked: the registry itself is empty


@pytest.mark.parametrize(
    "pattern",
    [r"^(a+)+$", r"^(?=a)(a+)+$", r"(x+x+)+y", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"^(a|aa)+\1$"],
)
@pytest.mark.parametrize("length", [33, 50_000])
def test_a_catastrophic_pattern_ends(pattern: str, length: int) -> None:
    schema = with_pattern(pattern)
    check_schema(schema)
    found: list[list[tuple[str, str]]] = []
    config = {"x": "a" * (length - 1) + "!"}
    thread = threading.Thread(
        target=lambda: found.append(validate_config(schema, config)), daemon=True
    )
    thread.start()
    thread.join(20)
    assert [pointer for pointer, _ in found[0]] == ["/x"]


def test_a_config_that_makes_its_schema_explode_is_refused() -> None:
    twice = {"allOf": [{"properties": {"x": {"$ref": "#/$defs/r"}}}] * 2}
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/r"}}, "$defs": {"r": twice}}
    check_schema(schema)
    config: dict[str, Any] = {}
    for _ in range(60):
        config = {"x": config}
    assert "too many checks" in validate_config(schema, config)[0][1]


def test_what_is_wrong_is_told_by_pointer_and_without_the_value() -> None:
    schema = {
        "type": "object",
        "properties": {
            "port": {"type": "integer"},
            "a/b~c": {"enum": ["x"]},
            "mail": {"format": "email"},
        },
        "required": ["host"],
        "additionalProperties": False,
    }
    config = {"port": "s3cret", "a/b~c": "s3cret", "prot": "s3cret", "mail": "s3cret"}
    found = validate_config(schema, config)
    assert [pointer for pointer, _ in found] == ["", "/a~1b~0c", "/mail", "/port", "/prot"]
    messages = dict(found)
    assert "host" in messages[""]
    assert messages["/prot"] == "is not allowed (did you mean 'port'?)"
    assert "s3cret" not in str(found)


def test_a_config_is_an_object_even_for_the_empty_schema() -> None:
    assert validate_config({}, {"anything": [1, None]}) == []
    assert validate_config({}, ["x"]) == [("", "a config is an object")]


def test_a_config_out_of_bounds_is_refused() -> None:
    deep: Any = 0
    for _ in range(100):
        deep = [deep]
    assert "levels deep" in validate_config({}, {"a": deep})[0][1]
    assert "NUL" in validate_config({}, {"a": "\x00"})[0][1]


def test_secrets_are_found_through_the_schema() -> None:
    schema = {"type": "object", "properties": {"key": {"format": "password"}, "host": {}}}
    assert secret_pointers(schema, {"key": "k", "host": "h"}) == ("/key",)
    assert secret_pointers({}, {"key": "k"}) == ()
