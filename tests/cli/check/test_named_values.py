import pytest

from cli.check.named_values import named_values
from cli.reading.source_file import SourceFile


@pytest.mark.parametrize(
    "line",
    [
        "token: v4lue",
        "- token: 'v4lue'  # why",
        'token = "v4lue"',
        "export token=v4lue",
        "  shop.token=v4lue",
        '{"token": "v4lue", "a": 1}',
        '{"a": {"token" : "v4lue"}}',
        r'"text": "{\"token\": \"v4lue\"}"',
        "?page=1&token=v4lue&x=2",
        "curl -H 'token: Bearer v4lue' there",
        '"token": "Bearer v4lue"',
        "{token => 'v4lue'}",
    ],
)
def test_values_are_found_in_each_way_of_writing_them(line: str) -> None:
    found = list(named_values(SourceFile("x.conf", f"# first\n{line}\n")))
    assert (2, "token", "v4lue") in found


@pytest.mark.parametrize("line", ["a token is needed", "token:", "token = ''", "12: v4lue"])
def test_prose_and_nothing_are_no_values(line: str) -> None:
    assert [name for _, name, _ in named_values(SourceFile("x.md", line))] in ([], ["needed"])
