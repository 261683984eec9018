from bench.peers.celery import CELERY
from bench.peers.comparison import row_of
from bench.peers.prefect import PREFECT
from bench.rows import NotMeasured, Row


def test_a_peer_is_compared_by_medians() -> None:
    row = row_of(CELERY, [0.01, 0.01, 0.9], {"seconds": [0.2, 0.2, 5.0]})
    assert isinstance(row, Row)
    assert (row.ours, row.beside, row.unit) == (10.0, 200.0, "ms")
    assert row.holds is True


def test_a_peer_without_a_goal_has_a_ratio_and_no_verdict() -> None:
    row = row_of(PREFECT, [0.01], {"seconds": [0.2]})
    assert isinstance(row, Row)
    assert row.holds is None


def test_a_peer_that_could_not_be_set_up_gets_no_number() -> None:
    row = row_of(CELERY, [0.01], {"unavailable": "it cannot be installed: no network"})
    assert isinstance(row, NotMeasured)
    assert row.reason == "it cannot be installed: no network"


def test_a_peer_whose_process_said_nothing_gets_no_number() -> None:
    assert isinstance(row_of(CELERY, [0.01], {}), NotMeasured)
