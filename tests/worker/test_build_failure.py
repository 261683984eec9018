from worker.build_failure import BuildCause, BuildFailed
from worker.errors import WorkerError


def test_a_failure_names_integration_and_line() -> None:
    error = BuildFailed(
        "dns", BuildCause.NOT_FOUND, "the index has no 'x'", "correct it", line=3, log_tail="..."
    )
    assert isinstance(error, WorkerError)
    assert str(error) == (
        "integration 'dns': requirements.txt line 3: the index has no 'x'; correct it"
    )
    assert (error.integration, error.cause, error.line, error.log_tail) == (
        "dns",
        "not found",
        3,
        "...",
    )


def test_a_failure_without_a_line_names_the_integration_alone() -> None:
    error = BuildFailed("dns", BuildCause.TIMEOUT, "it took too long", "wait longer")
    assert error.reason == "integration 'dns': it took too long"
    assert error.line is None
