from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.logins import LASTS, new_login, open_login, own_address, seal_login
from api.principal import Role
from api.problems import BadRequest, Unauthorized
from api.signing_key import SigningKeys, read_signing_keys
from api.tokens import Claims, sign, verify

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def keys(key_file: Path) -> SigningKeys:
    return read_signing_keys(key_file)


def test_browser_brings_back_what_it_was_given(keys: SigningKeys) -> None:
    login = new_login("/violations")
    assert open_login(keys, seal_login(keys, login, NOON), NOON) == login
    assert len({login.state, login.nonce, login.verifier}) == 3
    assert len(login.verifier) >= 43  # RFC 7636


def test_log_in_that_took_too_long_or_is_not_ours_is_refused(keys: SigningKeys) -> None:
    sealed = seal_login(keys, new_login("/"), NOON)
    for text, now in (
        (sealed, NOON + LASTS + timedelta(seconds=1)),
        (sealed[:-2] + "AA", NOON),
        ("", NOON),
        ("x.y.z", NOON),
    ):
        with pytest.raises(BadRequest, match="not begun in this browser"):
            open_login(keys, text, now)


def test_log_in_is_no_token_and_a_token_is_no_log_in(keys: SigningKeys) -> None:
    with pytest.raises(Unauthorized):
        verify(keys, seal_login(keys, new_login("/"), NOON), NOON)
    token = sign(keys, Claims("t", "a", Role.ADMIN, NOON, NOON + timedelta(1)))
    with pytest.raises(BadRequest):
        open_login(keys, token, NOON)


@pytest.mark.parametrize("address", ["/", "/jobs/1", "/violations?status=open&x=//y"])
def test_own_address_is_kept(address: str) -> None:
    assert own_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "jobs",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/a\\b",
        " /",
        "//[",
    ],
)
def test_address_elsewhere_becomes_the_first_page(address: str) -> None:
    assert own_address(address) == "/"
