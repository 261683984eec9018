import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.pieces import write_pieces
from worker.data_lines import DataLines, Unsound
from worker.redaction import Redactor

NONE = Redactor([])


def passed(text: bytes, redactor: Redactor = NONE) -> bytes:
    lines = DataLines(redactor)
    taken = [lines.take(line) for line in text.splitlines()]
    lines.finish()
    return b"\n".join(taken)


def pieces_of(value: Any) -> bytes:
    pieces: list[bytes] = []
    write_pieces(value, "data", 1 << 40, pieces.append, 60)
    return b"".join(pieces)


@given(
    st.recursive(
        st.integers() | st.text('ab[]{},:"', max_size=30),
        lambda x: st.lists(x) | st.dictionaries(st.text('ab[]{}",:', max_size=9), x),
    ).filter(lambda v: isinstance(v, list | dict))
)
def test_what_the_sdk_writes_passes_unchanged(value: Any) -> None:
    try:
        text = pieces_of(value)
    except Exception:  # noqa: BLE001 - integers beyond 64 bits are not what is tested here
        return
    assert passed(text) + b"\n" == text


def test_secrets_are_taken_out_of_values_keys_and_numbers() -> None:
    redactor = Redactor(["hunter22", "4711", "ab"])
    value = {
        "a": ["x" * 30, "my hunter22", 4711, "ab", "abc"],
        "of hunter22": ["y" * 80, "aHVudGVyMjI="],
        "plain": {"hunter22": 1, "z": "z" * 60},
    }
    clean = json.loads(passed(pieces_of(value), redactor))
    assert clean == {
        "a": ["x" * 30, "my ***", "***", "***", "abc"],
        "of ***": ["y" * 80, "***"],
        "plain": {"***": 1, "z": "z" * 60},
    }


def test_escaped_nul_is_written_out() -> None:
    assert json.loads(passed(b'[\n"a\\u0000b"\n]')) == ["a\\x00b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[\n1\n2\n]", "comma"),
        (b"[\n1\n", "no end"),
        (b"1", "neither an object nor an array"),
        (b"[\n]\n[\n]", "follows"),
        (b"[\n1\n}", "comma"),
        (b"[\n[\n1],[2\n]\n]", "cannot be read|closes"),
        (b"[\n[\n1]],[[2\n]\n]", "cannot be read"),
        (b'[\n{\n"a":1},{"b":2\n}\n]', "closes"),
        (b'{\n"a"[\n]\n}', "cannot be read|without a name"),
        (b"{\n[\n]\n}", "cannot be read|without a name"),
        (b'[\n"a":[\n]\n]', "a name where none can be"),
        (b"{\n1:[\n]\n}", "without a name"),
        (b"[\n\n]", "without a value"),
        (b"[\nNaN\n]", "cannot be read"),
        (b"[\n1e999\n]", "not finite"),
        (b"[\n-1.5E+400\n]", "not finite"),
        (b'["\xff"]', "neither|cannot"),
        (b'[\n"\xff"\n]', "cannot be read"),
        (b'[\n"\\ud800"\n]', "cannot be read"),
        (b"[\n" + b"[" * 201 + b"]" * 201 + b"\n]", "cannot be read"),
        (b"[\n" * 201 + b"1\n" + b"]\n" * 201, "cannot be read|deep"),
    ],
)
def test_what_goes_on_otherwise_than_it_began_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(Unsound, match=reason):
        passed(text)


def test_large_exponents_that_are_finite_pass() -> None:
    text = b'[\n1e300,-1E+200,"e999 1e999"\n]'
    assert passed(text) == text
