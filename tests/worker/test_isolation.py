import pytest

from worker.isolation import Isolation, IsolationMissing, choose_isolation


@pytest.mark.parametrize("asked", ["", "process"])
def test_process_is_the_level_that_works_here(asked: str) -> None:
    assert choose_isolation(asked) is Isolation.PROCESS


def test_sandbox_that_was_asked_for_is_never_replaced_by_less() -> None:
    with pytest.raises(IsolationMissing, match="sandbox") as caught:
        choose_isolation("sandbox")

    assert "TRUELINE_ISOLATION" in caught.value.advice
