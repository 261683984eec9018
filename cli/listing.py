"""How the commands that list things print them: JSON, a table, or what to do for a first one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cli.render import make_console, print_json, table

Row = Mapping[str, Any]
Cells = Mapping[str, Callable[[Row], str]]


def print_rows(rows: Sequence[Row], cells: Cells, *, none: str, as_json: bool) -> None:
    """Print the rows of a list; `cells` gives each column's markup, `none` is for an empty list."""
    if as_json:
        print_json(rows)
    elif rows:
        make_console().print(
            table(list(cells), [[cell(row) for cell in cells.values()] for row in rows])
        )
    else:
        make_console().print(none)
