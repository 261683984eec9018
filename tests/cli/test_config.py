from pathlib import Path

import click
import pytest

from cli.config import read_config


def test_assignments_lie_on_top_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"url": "a", "large_file_mb": 5}')
    config = read_config(file, ["url=file:///b", 'deep={"x": [1]}', "flag=true", "word=yes"])
    assert config == {
        "url": "file:///b",
        "large_file_mb": 5,
        "deep": {"x": [1]},
        "flag": True,
        "word": "yes",
    }


def test_a_value_may_hold_an_equals_sign() -> None:
    assert read_config(None, ["query=a=b"]) == {"query": "a=b"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{", "is not JSON"), ("[1]", "is no JSON object"), (None, "No such file")],
)
def test_a_bad_file_is_a_usage_error(content: str | None, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(click.UsageError, match=complaint):
        read_config(file, [])


@pytest.mark.parametrize("assignment", ["url", "=x"])
def test_a_bad_assignment_is_a_usage_error(assignment: str) -> None:
    with pytest.raises(click.UsageError, match="KEY=VALUE"):
        read_config(None, [assignment])
