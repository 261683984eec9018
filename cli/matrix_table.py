"""The fault matrix as a table."""

from rich.console import Console

from cli.fault_cells import GOT_THROUGH, Became, Cell
from cli.fault_matrix import Matrix
from cli.render import table, text
from utils.exchange_faults import Fault

_STYLES = {Became.QUIET: "bold red", Became.PARTIAL: "yellow"}


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Print a row for each exchange, a column for each fault, and the defects."""
    if not matrix.rows:
        console.print(
            "no recorded exchanges: `trueline run NAME --record integrations/NAME/tests/exchanges/"
            "default`",
            soft_wrap=True,
        )
        return
    columns = ("exchange", "task", *(str(fault) for fault in Fault))
    rows = [
        [text(row.label), text(row.task), *(_shown(row.cells.get(fault)) for fault in Fault)]
        for row in matrix.rows
    ]
    console.width = max(console.width, 200)
    console.print(table(columns, rows))
    console.print(f"[dim]{GOT_THROUGH} where the fault happens once, a retry gets the data[/]")
    played = sum(len(row.cells) for row in matrix.rows)
    console.print(f"{played} faults played, {len(matrix.quiet)} of them became a quiet success")
    for quiet in matrix.quiet:
        console.print(f"  [red]QUIET[/] {text(quiet)}", soft_wrap=True)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return "[dim]-[/]"
    return f"[{_STYLES.get(cell.became, 'default')}]{text(cell.shown)}[/]"
