"""The fault matrix as a table."""

from collections.abc import Iterator

from rich.console import Console

from cli.fault_cells import GOT_THROUGH, Became, Cell
from cli.fault_matrix import Matrix, Row
from cli.render import table, text

_STYLES = {Became.QUIET: "bold red", Became.PARTIAL: "yellow"}


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Print what became of each exchange, with the faults that led there, and the defects."""
    if not matrix.rows:
        console.print(
            "no recorded exchanges: `trueline run NAME --record integrations/NAME/tests/exchanges/"
            "default`",
            soft_wrap=True,
        )
        return
    rows = [cells for row in matrix.rows for cells in _rows_of(row)]
    console.print(table(("exchange", "task", "became", "at"), rows))
    if any(cell.got_through for row in matrix.rows for cell in row.cells.values()):
        console.print(f"[dim]{GOT_THROUGH} where the fault happens once, a retry gets the data[/]")
    played = sum(len(row.cells) for row in matrix.rows)
    console.print(f"{played} faults played, {len(matrix.quiet)} of them became a quiet success")
    for quiet in matrix.quiet:
        console.print(f"  [red]QUIET[/] {text(quiet)}", soft_wrap=True)


def _rows_of(row: Row) -> Iterator[list[str]]:
    """Yield a row for each thing that became of an exchange; a column a fault would be too wide."""
    became: dict[str, list[str]] = {}
    for fault, cell in row.cells.items():
        became.setdefault(_shown(cell), []).append(str(fault))
    names = [text(row.label), text(row.task)]
    for shown, faults in became.items():
        yield [*names, shown, ", ".join(faults)]
        names = ["", ""]


def _shown(cell: Cell) -> str:
    return f"[{_STYLES.get(cell.became, 'default')}]{text(cell.shown)}[/]"
