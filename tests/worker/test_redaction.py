import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.secret_forms import worth_hiding
from worker.redaction import MARK, Redactor, distinct, secret_values

SECRET = 'p@ss "wörd"/1'
REDACTOR = Redactor([SECRET, "abcdef", "defxyz", "tok", "90210"])
LETTERS = st.text(alphabet="abc", max_size=30)


def streamed(redactor: Redactor, chunks: list[bytes]) -> bytes:
    stream = redactor.stream()
    return b"".join([*(stream.feed(chunk) for chunk in chunks), stream.finish()])


def test_text_without_secrets_is_the_same() -> None:
    text = "nothing to see here"
    assert REDACTOR.redact_text(text) == text


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        "p%40ss%20%22w%C3%B6rd%22%2F1",
        "p%40ss+%22w%c3%b6rd%22%2f1",
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        repr(SECRET.encode())[2:-1],
    ],
)
def test_each_form_is_marked(form: str) -> None:
    assert REDACTOR.redact_text(f"<{form}> and <{form}>") == f"<{MARK}> and <{MARK}>"


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_base64_of_a_text_with_a_secret_keeps_no_part_of_it(before: str) -> None:
    encoded = base64.b64encode(f"{before}:{SECRET}:x".encode()).decode()
    redacted = REDACTOR.redact_text(encoded)
    assert MARK in redacted
    assert len(redacted) < 16


def test_overlapping_secrets_leave_nothing_of_either() -> None:
    assert REDACTOR.redact_text("-abcdefxyz-") == f"-{MARK}-"


def test_secret_within_a_longer_one_leaves_no_rest() -> None:
    assert Redactor(["pass", "password"]).redact_text("password pass") == f"{MARK} {MARK}"


def test_short_secret_is_marked_only_where_it_is_the_whole_string() -> None:
    assert REDACTOR.redact_json(["tok", "token", {"tok": "tok tok"}]) == [
        MARK, "token", {MARK: "tok tok"}
    ]  # fmt: skip


def test_numbers_that_equal_a_secret_are_marked_and_others_are_not() -> None:
    value = [90210, 90210.0, -90210, 902101, True, 1, None]
    assert REDACTOR.redact_json(value) == [MARK, MARK, -90210, 902101, True, 1, None]


def test_number_in_text_is_marked() -> None:
    assert REDACTOR.redact_text("zip 90210.") == f"zip {MARK}."


def test_keys_that_become_alike_keep_their_values() -> None:
    redacted = REDACTOR.redact_json({"abcdef": 1, "defxyz": 2, MARK: 3})
    assert sorted(redacted.values()) == [1, 2, 3]
    assert "abcdef" not in str(redacted)


def test_name_that_is_taken_gets_a_number_that_is_free() -> None:
    assert distinct("a", set()) == "a"
    assert distinct("a", {"a", "a (3)", "a (4)"}) == "a (5)"
    assert distinct("a", {"a", "a (2)", "b", "a (4)"}) == "a (5)"


def test_empty_and_blank_secrets_are_none() -> None:
    assert Redactor(["", "  "]).redact_text("a  b") == "a  b"
    assert Redactor(["true", "5"]).redact_json(["is true", 5]) == ["is true", 5]
    assert Redactor([]).redact_json({"a": ["b"]}) == {"a": ["b"]}


@pytest.mark.parametrize("value", [SECRET, "abcdef", "tok", 90210, 90210.0])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_closer_look_at_a_line_misses_no_secret_of_it(value: Any, *, ascii_only: bool) -> None:
    for nested in (value, {"x": [value]}, {str(value): 1}, repr(value)):
        line = json.dumps(nested, ensure_ascii=ascii_only).encode()
        narrowed = REDACTOR.narrow(line)
        redacted = nested if narrowed is None else narrowed.redact_json(nested)
        assert redacted == REDACTOR.redact_json(nested)


def test_line_without_secrets_is_clean() -> None:
    assert REDACTOR.narrow(b'{"a": "token", "n": 1}') is None


@pytest.mark.parametrize("form", [SECRET, SECRET.encode().hex(), "abcdef"])
def test_secret_split_at_any_byte_of_a_stream_is_marked(form: str) -> None:
    data = f"before {form} after".encode()
    for at in range(len(data) + 1):
        assert streamed(REDACTOR, [data[:at], data[at:]]) == f"before {MARK} after".encode()
    assert streamed(REDACTOR, [bytes([byte]) for byte in data]) == b"before *** after"


def test_stream_holds_back_only_what_may_become_a_secret() -> None:
    stream = REDACTOR.stream()
    assert stream.feed(b"hello abc") == b"hello "
    assert stream.feed(b"d") == b""
    assert stream.feed(b"!") == b"abcd!"


def test_long_beginning_of_a_secret_at_the_end_of_a_stream_is_marked() -> None:
    assert streamed(Redactor(["a-long-password"]), [b"x a-long-passw"]) == b"x ***"
    assert streamed(Redactor(["a-long-password"]), [b"x a-lo"]) == b"x a-lo"


def test_secret_at_the_end_that_begins_a_longer_one_is_marked() -> None:
    assert streamed(Redactor(["pass", "password"]), [b"my pass"]) == b"my ***"


@given(LETTERS, st.lists(st.integers(0, 30)), st.lists(st.text("abc", min_size=4, max_size=6)))
def test_stream_says_the_same_however_it_is_cut(
    text: str, cuts: list[int], secrets: list[str]
) -> None:
    redactor = Redactor(secrets)
    data = text.encode()
    places = [0, *sorted(cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(places)]
    assert streamed(redactor, chunks) == redactor.redact_text(text).encode()


@given(st.lists(st.text("abc", min_size=4, max_size=6)), LETTERS)
def test_no_secret_is_left_in_redacted_text(secrets: list[str], text: str) -> None:
    redacted = Redactor(secrets).redact_text(text)
    assert not any(secret in redacted for secret in secrets)


@given(st.text(max_size=20), st.text(min_size=4, max_size=20), st.text(max_size=20))
def test_any_secret_is_taken_out_of_any_json(before: str, secret: str, after: str) -> None:
    redactor = Redactor([secret])
    value = {"text": before + secret + after, secret: [secret]}
    redacted = redactor.redact_json(value)
    if worth_hiding([secret]) and secret not in MARK:
        assert redacted["text"] != value["text"]
        assert secret not in redacted


def test_secret_values_are_read_at_their_pointers() -> None:
    config = {
        "key": "one",
        "a/b": {"~c": ["two", {"x": "three", "n": 5}, True]},
        "pin": 1234,
        "ratio": 2.5,
        "flag": True,
        "none": None,
    }
    pointers = ["/key", "/a~1b/~0c", "/pin", "/ratio", "/flag", "/none", "/absent/x", "/key/0"]
    assert secret_values(config, pointers) == ["one", "two", "three", "1234", "2.5"]
    assert secret_values(config, ["/a~1b/~0c/0", "/a~1b/~0c/9"]) == ["two"]
