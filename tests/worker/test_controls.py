import pytest

from worker.controls import neutralise


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
