"""Tests of how the matrix is shown."""

import io

from rich.console import Console

from cli.fault_cells import Became, Cell
from cli.fault_matrix import Matrix, Row
from cli.matrix_table import print_matrix
from utils.exchange_faults import Fault


def shown(matrix: Matrix) -> str:
    out = io.StringIO()
    print_matrix(Console(file=out, width=100), matrix)
    return out.getvalue()


def test_a_row_has_its_cells_and_defects_are_named_once_more() -> None:
    cells = {Fault.TIMEOUT: Cell(Became.QUIET), Fault.FORBIDDEN: Cell(Became.FAILED, "auth")}
    told = shown(Matrix((Row("default", "0001 GET /a", "list", cells),), frozenset({"list"})))

    assert "failed (auth)" in told
    assert "2 faults played, 1 of them became a quiet success" in told
    assert "QUIET 0001 GET /a (list) x timeout" in told


def test_without_exchanges_it_says_how_to_record_some() -> None:
    assert "--record" in shown(Matrix())
