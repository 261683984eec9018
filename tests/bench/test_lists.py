from bench.lists import LISTS, measure
from bench.rows import Row


def test_each_list_is_measured_at_its_beginning_and_deep_in_it() -> None:
    rows = list(measure(much=120, little=40, pages=2))
    assert len(rows) == 2 * len(LISTS)
    assert rows[0].what == "page of jobs: of 120, beside 40"
    assert all(isinstance(row, Row) and row.ours > 0 and row.beside > 0 for row in rows)
