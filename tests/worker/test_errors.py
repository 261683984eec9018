from utils.errors import TruelineError
from worker.errors import WorkerError


def test_the_workers_errors_carry_reason_and_advice() -> None:
    error = WorkerError("the disk is full", "make room")
    assert isinstance(error, TruelineError)
    assert str(error) == "the disk is full; make room"
