import json

import pytest

from worker.controls import as_json_escapes, neutralise


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202ereversed\u2028", "\\u202ereversed\\u2028"),
        ("grün 日本", "grün 日本"),
    ],
)
def test_controls_are_written_out(text: str, shown: str) -> None:
    assert neutralise(text) == shown


def test_json_keeps_its_meaning_without_controls() -> None:
    value = {"a\x9b": ["\x1b[2J", "\u202egnp.exe", "\x7f", "é"]}
    document = as_json_escapes(json.dumps(value, indent=1, ensure_ascii=False))
    assert json.loads(document) == value
    assert all(one.isprintable() for line in document.splitlines() for one in line)
    assert "é" in document
