import pytest

from utils.references import BadReference, Reference, parse_reference, without_escape


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("env:GITHUB_TOKEN", Reference("env", "GITHUB_TOKEN")),
        ("file:/run/secrets/x y", Reference("file", "/run/secrets/x y")),
        ("vault:kv/data/a#b c", Reference("vault", "kv/data/a", "b c")),
        ("vault:kv/..a/...#b", Reference("vault", "kv/..a/...", "b")),
    ],
)
def test_reference_is_read_and_written_alike(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference
    assert str(reference) == text


@pytest.mark.parametrize(
    "text", ["", "s3cret", "Env:X", " env:X", "environment:X", "literal:env:X"]
)
def test_other_texts_are_no_references(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("env:", "env:1X", "env:A B", "env:TRUELINE_TOKEN", "env:X\n"),
        *("file:", "file:x", "file:///x", "file:/", "file:/a/../b", "file:/a/./b", "file:/a/"),
        *("file:/%2e%2e/b", "file:/a\\b", "file:/a\0b", "file:/a\nb"),
        *("vault:", "vault:x", "vault:x#", "vault:#y", "vault:/x#y", "vault:x/#y", "vault:a//b#y"),
        *("vault:a/../b#y", "vault:a/%2e%2e/b#y", "vault:a?b#y", "vault:a*#y", "vault:a#b#c"),
        "env:" + "X" * 1000,
    ],
)
def test_what_begins_as_one_and_is_none_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(BadReference) as error:
        parse_reference(text)
    assert "vault:path#field" in error.value.advice
    assert "literal:" in error.value.advice


def test_escape_is_taken_off_once() -> None:
    assert without_escape("literal:literal:x") == "literal:x"
    assert without_escape("x") == "x"
