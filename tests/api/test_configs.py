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
    assert check_config(SCHEMA, {"token": "x", "size": 1}).secrets == ("/token",)


def test_wrong_values_are_pointed_at_and_never_told() -> None:
    problem = refusal({"size": "canary", "token": "x"})
    assert [error.pointer for error in problem.errors] == ["/config/size"]
    assert "canary" not in str(problem)


def test_many_errors_are_cut() -> None:
    assert len(refusal({f"a{n}": "x" for n in range(90)}).errors) == MOST_SHOWN


def test_mask_needs_a_stored_secret() -> None:
    assert refusal({"token": MASK}).errors[0].pointer == "/config/token"


WHOLE: dict[str, Any] = {
    "type": "object",
    "properties": {"login": {"writeOnly": True}, "pin": {"type": "integer", "writeOnly": True}},
}


def test_mask_inside_a_secret_object_is_refused() -> None:
    with pytest.raises(Unprocessable) as error:
        check_config(WHOLE, {"login": {"user": "u", "password": MASK}})
    assert error.value.errors[0].pointer == "/config/login/password"


def test_reference_is_no_secret_and_fits_where_a_text_fits() -> None:
    schema = {
        "type": "object",
        "properties": {"token": {"type": "string", "writeOnly": True, "pattern": "^ghp_"}},
    }
    checked = check_config(schema, {"token": "env:GITHUB_TOKEN"})
    assert (checked.secrets, checked.references) == ((), ("/token",))
    with pytest.raises(Unprocessable, match="/config/token"):
        check_config(schema, {"token": "literal:env:GITHUB_TOKEN"})
    with pytest.raises(Unprocessable, match="/config/pin"):
        check_config(WHOLE, {"pin": "env:PIN"})


def test_escaped_reference_is_a_secret() -> None:
    checked = check_config(SCHEMA, {"token": "literal:env:NAME"})
    assert checked.config == {"token": "env:NAME"}
    assert (checked.secrets, checked.references) == (("/token",), ())


def test_kept_secret_is_never_taken_for_a_reference() -> None:
    checked = check_config(SCHEMA, {"token": "env:NAME"}, kept=("/token",))
    assert checked.config == {"token": "env:NAME"}
    assert checked.secrets == ("/token",)


def test_reference_below_a_secret_object_is_one_beside_secrets() -> None:
    checked = check_config(WHOLE, {"login": {"user": "u", "password": "vault:kv/x#y"}})
    assert (checked.secrets, checked.references) == (("/login/user",), ("/login/password",))


def test_kept_secret_stays_one_where_the_schema_has_none() -> None:
    assert check_config({}, {"was": "x"}, kept=("/was",)).secrets == ("/was",)


@pytest.mark.parametrize("wrong", ["env:TRUELINE_TOKEN", "file:x", "vault:kv/../x#y"])
def test_reference_that_is_none_is_refused_with_the_forms(wrong: str) -> None:
    error = refusal({"token": wrong}).errors[0]
    assert error.pointer == "/config/token"
    assert "vault:path#field" in error.message


@pytest.mark.parametrize(
    "config",
    [
        {"a": {"$reference": "x"}},
        {"a": {"$sealed": "x"}},
        {"a": [{"$sealed": "x"}]},
        {"$sealed": 1},
    ],
)
def test_our_own_name_is_refused(config: dict[str, Any]) -> None:
    assert "is ours" in refusal(config).reason
