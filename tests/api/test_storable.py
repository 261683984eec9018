from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.storable import MOST_LEVELS, StorableText, StorableTime, storage_fault


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [None, True, 10**30, 1.5, "ü 😀 \\u0000", {"a": [1, {"b": "c"}]}, nested(MOST_LEVELS)],
)
def test_ordinary_json_can_be_kept(value: Any) -> None:
    assert storage_fault(value) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"a": ["x", "b\0c"]}, "/a/1: the character U+0000 cannot be stored"),
        ({"a": {"\0": 1}}, "/a: a key: the character U+0000 cannot be stored"),
        ("\ud800", ": the character U+D800 cannot be stored"),
        ([1, float("nan")], "/1: a number that is not finite cannot be stored"),
        ({"a/b: c": ["\0"]}, "/a~1b: c/0: the character U+0000 cannot be stored"),
        ({"x": float("-inf")}, "/x: a number that is not finite cannot be stored"),
    ],
)
def test_what_a_database_would_refuse_is_named_with_its_place(value: Any, fault: str) -> None:
    found = storage_fault(value)
    assert found is not None
    assert f"{found.pointer}: {found.message}" == fault


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 100_000])
def test_endless_nesting_is_refused_without_following_it(levels: int) -> None:
    fault = storage_fault(nested(levels))
    assert fault is not None
    assert fault.message.endswith(f"it is nested more than {MOST_LEVELS} levels deep")


def test_a_text_of_a_request_is_checked_where_it_comes_in() -> None:
    texts = TypeAdapter[str](StorableText)
    assert texts.validate_python("ü") == "ü"
    with pytest.raises(ValidationError, match=r"U\+0000 cannot be stored"):
        texts.validate_python("a\0b")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_time_beyond_the_calendar_is_refused(time: str) -> None:
    with pytest.raises(ValidationError, match="cannot be stored"):
        TypeAdapter(StorableTime).validate_python(time)


def test_time_is_taken_as_utc() -> None:
    taken = TypeAdapter(StorableTime).validate_python("2026-03-02T12:00:00+02:00")
    assert taken.isoformat() == "2026-03-02T10:00:00+00:00"
