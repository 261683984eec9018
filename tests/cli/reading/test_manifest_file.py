import json

import pytest

from cli.reading.manifest_file import placed_entries

TEXT = """\
[
  {"name": "a", "schema": {
    "properties": {"name": {"x": 1},
      "title": {}}}},

  {
    "title": "B",
    "name": "b"
  }, 7
]
"""


def test_entries_have_the_lines_on_which_they_stand() -> None:
    first, second, third = placed_entries(TEXT.encode())
    assert [(one.name, one.line) for one in (first, second, third)] == [
        ("a", 2),
        ("b", 6),
        ("", 9),
    ]
    assert second.line_of("name") == 8
    assert first.line_of("schema", "title") == 4
    assert first.line_of("schema", "nothing") == 2
    assert [one.value for one in (first, second, third)] == json.loads(TEXT)


@pytest.mark.parametrize("text", ["", "{}", "[", "[1, ", "[" * 100_000, "nothing"])
def test_of_a_broken_manifest_what_can_be_had_is_had(text: str) -> None:
    assert len(placed_entries(text.encode())) <= 1
