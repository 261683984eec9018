import pytest

from bench.author_kit import seconds_beyond
from cli.local_run import Outcome
from worker.job_order import JobEnd


def ran(*seconds: float, status: str = "success") -> Outcome:
    results = [{"name": "a", "status": status, "duration_seconds": one} for one in seconds]
    return Outcome(JobEnd("success"), results)


def test_what_the_tasks_take_by_themselves_does_not_count_nor_does_the_first_run() -> None:
    runs = [(9.0, ran(0.1)), (1.5, ran(0.5, 0.75)), (2.0, ran(1.0)), (0.5, ran(0.0))]
    assert seconds_beyond(runs) == pytest.approx(0.5)


@pytest.mark.parametrize("outcome", [ran(0.1, status="failed"), ran()])
def test_runs_that_do_not_do_their_work_are_no_measure(outcome: Outcome) -> None:
    with pytest.raises(RuntimeError, match="did not succeed"):
        seconds_beyond([(1.0, ran(0.1)), (1.0, outcome)])
