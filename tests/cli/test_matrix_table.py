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
    refused = Cell(Became.FAILED, "auth")
    cells = {Fault.UNAUTHORIZED: refused, Fault.TIMEOUT: Cell(Became.QUIET)}
    cells |= {Fault.FORBIDDEN: refused}
    told = shown(Matrix((Row("default", "0001 GET /a", "list", cells),), frozenset({"list"})))

    rows = [line.split() for line in told.splitlines()]
    assert ["0001", "GET", "/a", "list", "failed", "(auth)", "401,", "403"] in rows
    assert ["QUIET", "timeout"] in rows
    assert "3 faults played, 1 of them became a quiet success" in told
    assert "QUIET 0001 GET /a (list) x timeout" in told


def test_without_exchanges_it_says_how_to_record_some() -> None:
    assert "--record" in shown(Matrix())
