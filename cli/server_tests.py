"""What tests with a server of their own prove of collectors that have no recorded exchanges."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.fault_cells import Became, Cell
from cli.fault_matrix import Row
from utils.exchange_faults import OF_ANY_SERVER, Fault

SET = "server_test"  # what the matrix shows instead of a set of exchanges
LABEL = "server test"

Note = Mapping[str, Any]  # of one run, by `utils.testing`


def server_rows(notes: Iterable[Note]) -> tuple[Row, ...]:
    """Return a row of the matrix for each collector at which a server played faults.

    Of several runs at one fault the worst one counts.
    """
    cells: dict[str, dict[Fault, Cell]] = {}
    for note in notes:
        if note.get("is_served") and note["fault"] is not None:
            fault, mine = Fault(note["fault"]), cells.setdefault(note["task"], {})
            if fault not in mine or mine[fault].became is not Became.QUIET:
                mine[fault] = _cell(note)
    return tuple(
        Row(SET, LABEL, task, {fault: mine[fault] for fault in Fault if fault in mine})
        for task, mine in cells.items()
    )


def lacking(task: str, notes: Sequence[Note]) -> list[str] | None:
    """Return what the server tests of a collector have not shown; None where it has none."""
    mine = [note for note in notes if note.get("is_served") and note["task"] == task]
    if not mine:
        return None
    is_answered = any(note["fault"] is None and _is_whole(note) for note in mine)
    played = {note["fault"] for note in mine}
    missing = [str(fault) for fault in OF_ANY_SERVER if fault not in played]
    return missing if is_answered else ["a whole success", *missing]


def _cell(note: Note) -> Cell:
    if _is_whole(note):
        return Cell(Became.QUIET)
    if note["status"] == "success":
        return Cell(Became.PARTIAL)
    return Cell(Became.FAILED, "timeout" if note["status"] == "timeout" else note["cause"] or "")


def _is_whole(note: Note) -> bool:
    return note["status"] == "success" and not note["is_partial"]
