import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.long_text import LongText, RedactedText
from worker.redaction import Redactor

SECRET = 's3cr3t-välue-with-\U0001f600-and "quotes"'


def passed(text: bytes, size: int, secrets: list[str]) -> str:
    long = LongText(Redactor(secrets))
    pieces = [long.feed(text[at : at + size]) for at in range(0, len(text), size)]
    rest, behind = long.finish()
    assert behind == b""
    return str(json.loads(b'"' + b"".join(pieces) + rest + b'"'))


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.booleans(),
    st.integers(1, 40),
)
def test_text_without_secrets_comes_back_however_it_is_cut(
    text: str,
    ascii_only: bool,  # noqa: FBT001 - hypothesis gives it
    size: int,
) -> None:
    quoted = json.dumps(text, ensure_ascii=ascii_only).encode()[1:]
    assert passed(quoted, size, []) == text
    assert passed(quoted, size, ["unrelated-secret"]) == text


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_secret_is_found_wherever_it_is_cut(ascii_only: bool) -> None:  # noqa: FBT001 - a parameter of the test
    text = f"before {SECRET} between {SECRET}{SECRET} after"
    quoted = json.dumps(text, ensure_ascii=ascii_only).encode()[1:]
    for size in range(1, len(quoted)):
        assert passed(quoted, size, [SECRET]) == "before *** between ****** after"


@given(
    st.lists(
        st.sampled_from(["abcdefgh", "abcd", "efgh", "x", "...", "... ", "aaaaaaaa", "a"]),
        max_size=30,
    ),
    st.integers(1, 9),
)
def test_cut_text_is_redacted_as_whole_text_is(parts: list[str], size: int) -> None:
    text = "".join(parts)
    redactor = Redactor(["abcdefghabcdefgh", "aaaaaaaaaa", "efghabcd"])
    stream = RedactedText(redactor.forms)
    pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    whole = redactor.redact_text(text)
    assert "".join([*pieces, stream.finish()]) == whole


def test_memory_is_bounded_by_the_longest_secret() -> None:
    stream = RedactedText(Redactor(["abcdefgh"]).forms)
    for _ in range(100):
        stream.feed("abcdefgh" * 1000)
        assert len(stream._text) < 9000


@pytest.mark.parametrize(
    "text", [b'a\\x"', b'\\ud83d abc 0123456789"', b'\\udc00"', b'\xff\xff"', b"no end", b'a\nb"']
)
def test_what_is_no_text_of_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        passed(text, 4, [])


def test_nul_is_written_out() -> None:
    assert passed(b'a\\u0000b"', 3, []) == "a\\x00b"


def test_what_follows_the_last_quote_is_refused_at_once() -> None:
    long = LongText(Redactor([]))
    long.feed(b'text"')
    with pytest.raises(ValueError, match="something follows"):
        long.feed(b"more")
