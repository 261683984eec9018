import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidResult
from utils.jsonable import encoded
from utils.pieces import KEY_CHARACTERS, write_pieces

LIMIT = 1 << 40
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=90)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9),
            inner,
            max_size=6,
        )
        | st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=60,
)


def written(value: Any, piece_bytes: int = 40, limit: int = LIMIT) -> bytes:
    pieces: list[bytes] = []
    size = write_pieces(value, "data", limit, pieces.append, piece_bytes)
    text = b"".join(pieces)
    assert size == len(text.replace(b"\n", b""))
    return text


@given(
    st.lists(VALUES, max_size=8) | st.dictionaries(st.text("ab", max_size=5), VALUES, max_size=8)
)
def test_lines_together_are_the_text_of_the_value(value: Any) -> None:
    text = written(value)
    assert text.endswith(b"\n")
    assert text.replace(b"\n", b"").decode() == encoded(value, "data", LIMIT)


def test_small_values_share_a_line_and_large_ones_are_opened() -> None:
    value = {"a": 1, "b": 2, "items": [{"n": n} for n in range(8)], "end": True}
    assert written(value).decode().splitlines() == [
        "{",
        '"a":1,"b":2',
        ',"items":[',
        '{"n":0},{"n":1},{"n":2},{"n":3},{"n":4}',
        ',{"n":5},{"n":6},{"n":7}',
        "]",
        ',"end":true',
        "}",
    ]


def test_keys_count_so_that_no_line_grows_long() -> None:
    value = [{"k" * 1000 + str(n): n for n in range(10)} for _ in range(20)]
    assert max(map(len, written(value, 4000).splitlines())) < 8000


@dataclass(frozen=True)
class Server:
    name: str
    since: date


class Colour(Enum):
    RED = "red"


def test_values_are_converted_as_small_ones_are() -> None:
    value: Any = {
        "servers": [Server(f"s{n}", date(2026, 1, n + 1)) for n in range(20)],
        1: {3, 1, 2},
        "many": {f"{n:03}" for n in range(100)},
        "colour": Colour.RED,
        "days": {n: date(2026, 1, 1) for n in range(20)},
    }
    text = written(value).replace(b"\n", b"").decode()
    assert text == encoded(value, "data", LIMIT)


def test_a_long_text_is_one_line() -> None:
    value = {"log": 'a"é\n\U0001f600' * 60_000, "after": "\x01" * 99}
    lines = written(value).splitlines()
    assert [len(line) > 1000 for line in lines] == [False, True, False, False]
    assert json.loads(b"\n".join(lines)) == value


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {"pad": ["x" * 30] * 5, "rows": [list(range(50))]}
    value["rows"].append({"pad": "y" * 60, "again": value})
    return value


def deep(levels: int) -> Any:
    value: Any = "x" * 99
    for _ in range(levels):
        value = [value, "y" * 99]
    return value


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ({"rows": [*range(40), float("nan")]}, "data.rows[40]", "nan is no JSON number"),
        ({"rows": [*range(40), {"a b": b"x"}]}, 'data.rows[40]["a b"]', "bytes cannot be JSON"),
        ([*["x" * 30] * 9, "a\0b"], "data[9]", "NUL"),
        ([*["x" * 30] * 9, "\ud800"], "data[9]", "lone surrogate"),
        (["x" * 99_999 + "\0"], "data[0]", "NUL"),
        ({"a": "x" * 99_999 + "\ud800"}, "data.a", "lone surrogate"),
        ([*["x" * 30] * 9, 2**64], "data[9]", "65 bits"),
        ({1: "x" * 30, "1": "x" * 30}, "data", "two keys become"),
        ({"k" * (KEY_CHARACTERS + 1): list(range(99))}, "data", "a key of 65,537 characters"),
        ({"k\ud800": "v" * 30, "l": 1}, 'data["k', "lone surrogate"),
        (deep(101), "data[0][0]", "nested deeper than 100 levels"),
        (cyclic(), "data.rows[1].again", "it contains itself"),
        (["x" * 30, object()], "data[1]", "an object of type object"),
    ],
)
def test_what_cannot_be_json_is_refused_with_its_path(value: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidResult) as refused:
        written(value)
    assert f"data{path[4:]}" in refused.value.reason
    assert reason in refused.value.reason


def test_a_hundred_levels_are_written() -> None:
    value = deep(100)
    assert json.loads(written(value)) == value


def test_past_the_limit_nothing_is_written_and_both_numbers_are_told() -> None:
    pieces: list[bytes] = []
    with pytest.raises(InvalidResult) as refused:
        write_pieces(["x" * 50] * 100, "data", 1000, pieces.append, 100)
    assert "5,301 bytes as JSON, more than the limit of 1,000 bytes" in refused.value.reason
    assert sum(map(len, pieces)) <= 1100


def test_a_text_alone_is_no_data() -> None:
    with pytest.raises(InvalidResult, match="expected a dict or a list, got str"):
        written("x" * 1000)
