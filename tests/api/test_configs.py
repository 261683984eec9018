from typing import Any

import pytest

from api.config_secrets import MASK
from api.configs import MOST_SHOWN, check_config
from api.problems import Unprocessable

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"token": {"type": "string", "format": "password"}},
    "additionalProperties": {"type": "integer"},
}


def refusal(config: dict[str, Any]) -> Unprocessable:
    with pytest.raises(Unprocessable) as error:
        check_config(SCHEMA, config)
    return error.value


def test_fitting_config_gives_the_places_of_its_secrets() -> None:
    assert check_config(SCHEMA, {"token": "x", "size": 1}) == ("/token",)


def test_wrong_values_are_pointed_at_and_never_told() -> None:
    problem = refusal({"size": "canary", "token": "x"})
    assert [error.pointer for error in problem.errors] == ["/config/size"]
    assert "canary" not in str(problem)


def test_many_errors_are_cut() -> None:
    assert len(refusal({f"a{n}": "x" for n in range(90)}).errors) == MOST_SHOWN


def test_mask_needs_a_stored_secret() -> None:
    assert refusal({"token": MASK}).errors[0].pointer == "/config/token"


@pytest.mark.parametrize(
    "config", [{"a": {"$sealed": "x"}}, {"a": [{"$sealed": "x"}]}, {"$sealed": 1}]
)
def test_our_own_name_is_refused(config: dict[str, Any]) -> None:
    assert "$sealed" in refusal(config).reason
