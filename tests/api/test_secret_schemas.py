"""Whatever a schema looks like, no secret of a config stays readable in what is stored or shown."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from api.config_secrets import SecretBox, masked
from api.configs import check_config
from api.database import Database
from api.secret_key import Keyring
from utils.config_schema import check_schema, validate_config

CANARY = "canary-5d1e"
Placed = tuple[dict[str, Any], Any]  # a schema that says where the secret is, and a value with it
NAMES = st.text("ab~/%. é", min_size=1, max_size=4)
NOTHING: dict[str, Any] = {}


def secret(_: Any) -> st.SearchStrategy[Placed]:
    marks = st.sampled_from([{"format": "password"}, {"writeOnly": True}])
    values = st.sampled_from([CANARY, [CANARY], {"inner": {"deep": CANARY}}, [[CANARY], 1]])
    return st.tuples(marks, values)


def wrapped(inner: st.SearchStrategy[Placed]) -> st.SearchStrategy[Placed]:
    return st.builds(lambda placed, name, wrap: wrap(*placed, name), inner, NAMES, WRAPS)


def _property(schema: Any, value: Any, name: str) -> Placed:
    return {"type": "object", "properties": {name: schema}}, {name: value, "other": 1}


def _pattern(schema: Any, value: Any, name: str) -> Placed:
    return {"patternProperties": {"^k": schema}}, {"k" + name: value, "other": 1}


def _additional(schema: Any, value: Any, name: str) -> Placed:
    return {"properties": {"known": {}}, "additionalProperties": schema}, {"x" + name: value}


def _unevaluated(schema: Any, value: Any, name: str) -> Placed:
    return {"unevaluatedProperties": schema}, {name: value}


def _items(schema: Any, value: Any, _: str) -> Placed:
    return {"items": schema}, [value, value]


def _prefix(schema: Any, value: Any, _: str) -> Placed:
    return {"prefixItems": [{}, schema]}, [0, value, 0]


def _after_prefix(schema: Any, value: Any, _: str) -> Placed:
    return {"prefixItems": [{}], "items": schema}, [0, value]


def _contains(schema: Any, value: Any, _: str) -> Placed:
    return {"contains": schema}, [value]


def _in_place(word: str) -> Callable[[Any, Any, str], Placed]:
    return lambda schema, value, _: ({word: [{}, schema] if word != "oneOf" else [schema]}, value)


def _branch(word: str) -> Callable[[Any, Any, str], Placed]:
    return lambda schema, value, _: ({"if": word == "then", word: schema}, value)


def _dependent(schema: Any, value: Any, name: str) -> Placed:
    whole = {"dependentSchemas": {name: {"properties": {name: schema}}}}
    return whole, {name: value}


WRAPS = st.sampled_from(
    [
        *(_property, _pattern, _additional, _unevaluated, _items, _prefix, _after_prefix),
        *(_contains, *map(_in_place, ("allOf", "anyOf", "oneOf"))),
        *(_branch("then"), _branch("else"), _dependent),
    ]
)


@st.composite
def configs(draw: st.DrawFn) -> Placed:
    """Draw a schema of an object that has a secret somewhere, half of the time behind a $ref."""
    schema, value = draw(st.recursive(st.none().flatmap(secret), wrapped, max_leaves=8))
    name = draw(NAMES)
    whole: dict[str, Any] = {"type": "object", "properties": {name: schema}}
    if draw(st.booleans()):
        whole = {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/x~1y"},
            "$defs": {"x/y": {"$ref": "#named"}, "z": {"$anchor": "named", **schema}},
        }
    return whole, {name: value}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> SecretBox:
    return SecretBox(Keyring(tmp_path_factory.mktemp("keys") / "secret.key"))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.write() as connection:
        yield connection


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(configs())
def test_no_secret_stays_readable(box: SecretBox, connection: Connection, placed: Placed) -> None:
    schema, config = placed
    check_schema(schema)
    assert validate_config(schema, config) == []
    checked = check_config(schema, config)
    stored = box.seal(connection, checked, "d1")
    assert CANARY not in json.dumps([stored, masked(stored)])
    assert isinstance(masked(stored), dict)
    opened = box.open_config("d1", stored)
    assert (opened.config, sorted(opened.secrets)) == (config, sorted(checked.secrets))


ROOTS: list[dict[str, Any]] = [{"writeOnly": True}, {"allOf": [{"format": "password"}]}]


@pytest.mark.parametrize("root", ROOTS)
def test_config_that_is_secret_as_a_whole_is_sealed_name_by_name(
    box: SecretBox, connection: Connection, root: dict[str, Any]
) -> None:
    checked = check_config({"type": "object", **root}, {"a": CANARY, "b/c": 1})
    assert set(checked.secrets) == {"/a", "/b~1c"}
    assert CANARY not in json.dumps(box.seal(connection, checked, "d1"))


def test_word_that_an_older_draft_does_not_know_hides_no_secret(tmp_path: Path) -> None:
    del tmp_path
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"keys": {"prefixItems": [{}], "items": {"writeOnly": True}}},
    }
    check_schema(schema)
    assert check_config(schema, {"keys": ["a", "b"]}).secrets == ("/keys/0", "/keys/1")
