from bench.flatness import Sizes, measure
from bench.rows import Row

TINY = Sizes(integrations=2, jobs=120, queued=20, rounds=2, warm_up=1)


def test_each_row_sets_much_beside_little() -> None:
    rows = list(measure(TINY))
    assert [row.what for row in rows] == [
        "warm job, p50: 2 integrations ready, beside 1",
        "warm job, p50: 120 jobs of history, beside none",
        "post a job + lease one, p50: 20 in the queue, beside none",
    ]
    assert all(isinstance(row, Row) and row.ours > 0 and row.beside > 0 for row in rows)
