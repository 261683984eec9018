import json

import pytest

from cli.listing import print_rows

CELLS = {"name": lambda row: str(row["name"]), "size": lambda row: str(row["size"])}
ROWS = [{"name": "a", "size": 1, "more": True}]


def test_rows_are_a_table_of_the_cells(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, CELLS, none="none yet", as_json=False)
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "size"]
    assert line.split() == ["a", "1"]


def test_an_empty_list_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], CELLS, none="none yet; make one", as_json=False)
    assert capsys.readouterr().out == "none yet; make one\n"


@pytest.mark.parametrize("rows", [ROWS, []])
def test_json_has_everything(
    rows: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    print_rows(rows, CELLS, none="none yet", as_json=True)
    assert json.loads(capsys.readouterr().out) == rows
