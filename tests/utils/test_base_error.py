from utils.base_error import TruelineError


def test_an_error_says_what_is_wrong_and_what_to_do() -> None:
    error = TruelineError("the lamp is off", "switch it on")
    assert (error.reason, error.advice) == ("the lamp is off", "switch it on")
    assert str(error) == "the lamp is off; switch it on"


def test_an_error_without_advice_is_its_reason() -> None:
    assert str(TruelineError("the lamp is off")) == "the lamp is off"
