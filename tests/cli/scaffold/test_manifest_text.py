import json

import pytest

from cli.scaffold.manifest_text import with_entry
from cli.scaffold.wanted import CannotMake

ENTRY = {"name": "new", "title": "Näw", "hosts": []}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[]", '[\n  {\n    "name": "new",\n    "title": "Näw",\n    "hosts": []\n  }\n]\n'),
        (
            '[\n\t{\n\t\t"name":  "old"\n\t}\n]\n\n',
            (
                '[\n\t{\n\t\t"name":  "old"\n\t},\n\t{\n\t\t"name": "new",\n\t\t"title": "Näw",\n'
                '\t\t"hosts": []\n\t}\n]\n\n'
            ),
        ),
        (
            '[\n    {"name": "old"}\n]',
            (
                '[\n    {"name": "old"},\n    {\n      "name": "new",\n      "title": "Näw",\n'
                '      "hosts": []\n    }\n]\n'
            ),
        ),
        (
            '[\r\n  {"name": "o"}\r\n]\r\n',
            (
                '[\r\n  {"name": "o"},\r\n  {\r\n    "name": "new",\r\n    "title": "Näw",\r\n'
                '    "hosts": []\r\n  }\r\n]\r\n'
            ),
        ),
    ],
)
def test_the_rest_stays_as_it_was_written(before: str, after: str) -> None:
    assert with_entry(before, ENTRY) == after


@pytest.mark.parametrize("before", ['[{"name": "a]"}]', "\ufeff[]", '[[], 1, "new", null]'])
def test_whatever_is_there_one_entry_is_added(before: str) -> None:
    text = before.removeprefix("\ufeff")
    made = with_entry(before, ENTRY).removeprefix("\ufeff")
    assert json.loads(made) == [*json.loads(text), ENTRY]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ('[{"name": "new"}]', "already"),
        ("[{]", "not JSON"),
        ("{}", "not a list"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_manifest_that_cannot_take_it_is_refused(before: str, told: str) -> None:
    with pytest.raises(CannotMake, match=told):
        with_entry(before, ENTRY)
