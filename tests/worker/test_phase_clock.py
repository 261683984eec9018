from worker.phase_clock import PhaseClock
from worker.task_ledger import Phase


def test_the_task_that_runs_longest_counts() -> None:
    clock = PhaseClock()
    clock.note(Phase.BETWEEN, (), 1)
    assert clock.oldest() == 1
    clock.note(Phase.TASK, ("a",), 2)
    clock.note(Phase.TASK, ("a", "b"), 3)
    assert clock.oldest() == 2
    clock.note(Phase.TASK, ("b",), 5)
    assert clock.oldest() == 3


def test_a_task_that_begins_again_begins_anew() -> None:
    clock = PhaseClock()
    clock.note(Phase.TASK, ("a",), 1)
    clock.note(Phase.BETWEEN, (), 2)
    clock.note(Phase.TASK, ("a",), 3)
    assert clock.oldest() == 3


def test_seconds_are_counted_to_the_stop() -> None:
    clock = PhaseClock()
    clock.note(Phase.STAGE_ONE, (), 1)
    clock.note(Phase.TASK, ("a",), 4)
    clock.note(Phase.TASK, ("a", "b"), 6)
    clock.stop(10)
    assert (clock.seconds("a"), clock.seconds("b"), clock.seconds()) == (6, 4, 6)
    clock.note(Phase.ENDING, (), 11)
    assert clock.seconds() == 0
