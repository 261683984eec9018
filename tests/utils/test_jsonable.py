import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidResult
from utils.jsonable import encoded, jsonable

LIMIT = 1_000_000


class Stubborn:
    """Something that JSON has no place for, with a repr that must not be asked."""

    def __repr__(self) -> str:
        raise AssertionError("a refused value is never shown")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {"items": [1]}
    value["items"].append({"parent": value})
    return value


REFUSED: dict[str, tuple[Any, str, str]] = {
    "nan": ({"a": [1.0, math.nan]}, "data.a[1]", "nan is no JSON number"),
    "infinity": ({"a": -math.inf}, "data.a", "-inf is no JSON number"),
    "bytes": ({"items": [{"name": b"x"}]}, "data.items[0].name", "bytes cannot be JSON"),
    "bytearray": ([bytearray(1)], "data[0]", "bytearray"),
    "memoryview": ([memoryview(b"")], "data[0]", "memoryview"),
    "cycle": (cycle(), "data.items[1].parent", "contains itself"),
    "nul": ({"a b": "x\0y"}, 'data["a b"]', "NUL"),
    "nul in a key": ({"x\0": 1}, "data", "NUL"),
    "lone surrogate": (["\ud800"], "data[0]", "lone surrogate"),
    "lone surrogate in a key": ({"\udfff": 1}, "data", "lone surrogate"),
    "key collision": ({1: "a", "1": "b"}, "data", 'two keys become "1"'),
    "tuple as a key": ({(1, 2): 3}, "data", "a key is a tuple"),
    "huge integer": ({"n": 2**64}, "data.n", "65 bits"),
    "huge negative integer": ([-(2**63) - 1], "data[0]", "64 bits"),
    "object": ({"o": Stubborn()}, "data.o", "type Stubborn"),
    "class": ([Stubborn], "data[0]", "type type"),
    "function": ([len], "data[0]", "builtin_function"),
    "generator": ([(n for n in (1,))], "data[0]", "generator cannot be JSON; make a list of it"),
    "complex": ([1j], "data[0]", "type complex"),
    "101 levels": (nested(101), "data" + "[0]" * 100, "deeper than 100 levels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_recorded_is_refused_with_its_path(case: str) -> None:
    value, path, told = REFUSED[case]
    with pytest.raises(InvalidResult) as caught:
        encoded(value, "data", LIMIT)
    assert caught.value.path.startswith(path[:90])
    assert told in str(caught.value)
    assert caught.value.advice


def test_what_is_too_deep_for_a_stack_is_refused() -> None:
    with pytest.raises(InvalidResult, match="deeper than 100 levels"):
        encoded(nested(100_000), "data", LIMIT)


def test_a_hundred_levels_are_fine() -> None:
    assert json.loads(encoded(nested(100), "data", LIMIT)) == nested(100)


@pytest.mark.parametrize("items", [["x" * 5000], list(range(2000)), [{"n": 0.5}] * 900])
def test_oversize_names_both_numbers(items: list[Any]) -> None:
    size = len(json.dumps(items, separators=(",", ":")))
    with pytest.raises(InvalidResult, match=rf"{size:,} bytes as JSON, .* limit of 4,096 bytes"):
        encoded(items, "data", 4096)


def test_oversize_counts_bytes_and_not_characters() -> None:
    assert encoded("é" * 10, "data", 22) == '"' + "é" * 10 + '"'
    with pytest.raises(InvalidResult, match="22 bytes"):
        encoded("é" * 10, "data", 21)


@pytest.mark.parametrize("leaf", ["x", {1, 2}])
def test_shared_parts_that_multiply_end_at_the_limit(leaf: Any) -> None:
    value = [leaf]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(InvalidResult, match=r"at least .* more than the limit of 100,000 bytes"):
        encoded(value, "data", 100_000)


def test_a_part_that_occurs_twice_is_no_cycle() -> None:
    part = {"at": {1}}
    assert jsonable([part, part], "data", LIMIT) == [{"at": [1]}, {"at": [1]}]


def test_conversion_leaves_the_original_alone() -> None:
    original = {"a": [1, {"b": {3}}]}
    copy = jsonable(original, "data", LIMIT)
    copy["a"][1]["b"].append(4)
    assert original == {"a": [1, {"b": {3}}]}


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**65)
    | st.floats()
    | st.text(st.characters(exclude_categories=()) | st.sampled_from("\0\\u0")),
    lambda parts: (
        st.lists(parts)
        | st.tuples(parts, parts)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 3) | st.none(), parts)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_the_fast_way_and_the_careful_way_agree(value: Any) -> None:
    def fast() -> Any:
        return json.loads(encoded({"v": value}, "data", LIMIT))

    def careful() -> Any:
        return jsonable({"v": value}, "data", LIMIT)

    assert outcome(fast) == outcome(careful)


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except InvalidResult as refused:
        return str(refused)
