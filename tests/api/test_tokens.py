"""Tricks with tokens: whatever differs from what this API signs is refused."""

import base64
import hmac
import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry

from api.principal import Role
from api.problems import Unauthorized
from api.signing_key import SigningKeys, read_signing_keys, rotate_signing_key
from api.tokens import LEEWAY_SECONDS, Claims, check_age, sign, verify

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CLAIMS = Claims("t1", "ci", Role.OPERATOR, NOON, NOON + DAY)


@pytest.fixture
def keys(key_file: Path) -> SigningKeys:
    return read_signing_keys(key_file)


def crafted(
    keys: SigningKeys, key: Any = None, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """Sign a token that differs from a good one in this; None leaves a claim out."""
    said: dict[str, Any] = {"iss": "trueline", "aud": "trueline-api", "jti": "t1", "sub": "ci"}
    said |= {"role": "operator", "iat": int(NOON.timestamp())}
    said |= {"exp": int((NOON + DAY).timestamp())} | claims
    kept = {name: value for name, value in said.items() if value is not None}
    head = {"alg": "HS256", "kid": keys.first.kid} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    registry = JWSRegistry(algorithms=[head["alg"]], strict_check_header=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jwt.encode(head, kept, key or keys.first, registry=registry)


def segment(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def test_signed_token_says_what_was_signed(keys: SigningKeys) -> None:
    assert verify(keys, sign(keys, CLAIMS), NOON) == CLAIMS
    assert verify(keys, crafted(keys), NOON) == CLAIMS


def test_token_of_an_older_key_is_believed_as_long_as_the_key_is_there(
    keys: SigningKeys, key_file: Path
) -> None:
    token = sign(keys, CLAIMS)
    rotate_signing_key(key_file)
    rotated = read_signing_keys(key_file)
    assert verify(rotated, token, NOON) == CLAIMS
    assert verify(rotated, sign(rotated, CLAIMS), NOON) == CLAIMS
    with pytest.raises(Unauthorized):
        verify(keys, sign(rotated, CLAIMS), NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "elsewhere"},
        {"iss": None},
        {"aud": "trueline-login"},
        {"aud": None},
        {"aud": []},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"exp": 10**30},
        {"iat": None},
        {"iat": int((NOON + DAY).timestamp())},
        {"nbf": int((NOON + DAY).timestamp())},
        {"jti": None},
        {"jti": 7},
        {"jti": ""},
        {"sub": None},
        {"sub": ["ci"]},
        {"role": None},
        {"role": "root"},
        {"role": ["admin"]},
        {"role": ""},
    ],
)
def test_claim_that_does_not_fit_is_refused(keys: SigningKeys, change: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized, match="not one of this API"):
        verify(keys, crafted(keys, **change), NOON)


def test_expired_token_is_refused_after_a_small_leeway(keys: SigningKeys) -> None:
    token = sign(keys, CLAIMS)
    almost = NOON + DAY + timedelta(seconds=LEEWAY_SECONDS - 1)
    assert verify(keys, token, almost) == CLAIMS
    check_age(CLAIMS, almost)
    over = NOON + DAY + timedelta(seconds=LEEWAY_SECONDS)
    with pytest.raises(Unauthorized, match="expired"):
        verify(keys, token, over)
    with pytest.raises(Unauthorized, match="expired"):
        check_age(CLAIMS, over)


def test_unsigned_token_is_refused(keys: SigningKeys) -> None:
    _, claims, signature = sign(keys, CLAIMS).split(".")
    for alg in ("none", "None", "NONE", "", None, 7):
        for end in ("", signature):
            header = segment({"alg": alg, "kid": keys.first.kid, "typ": "JWT"})
            with pytest.raises(Unauthorized):
                verify(keys, f"{header}.{claims}.{end}", NOON)


@pytest.mark.parametrize("alg", ["HS384", "HS512"])
def test_other_algorithm_with_the_right_key_is_refused(keys: SigningKeys, alg: str) -> None:
    with pytest.raises(Unauthorized):
        verify(keys, crafted(keys, header={"alg": alg}), NOON)


def test_key_of_another_kind_is_refused(keys: SigningKeys) -> None:
    own = RSAKey.generate_key(2048, {"kid": str(keys.first.kid)})
    with pytest.raises(Unauthorized):
        verify(keys, crafted(keys, own, {"alg": "RS256"}), NOON)
    public = OctKey.import_key(str(own.as_dict(private=False)["n"]))
    with pytest.raises(Unauthorized):
        verify(keys, crafted(keys, public), NOON)


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "other"},
        {"kid": None},
        {"kid": ""},
        {"kid": 7},
        {"crit": ["exp"]},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "https://evil.example/keys"},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_header_that_does_not_fit_is_refused(keys: SigningKeys, header: dict[str, Any]) -> None:
    parts = crafted(keys).split(".")
    said = {"alg": "HS256", "kid": keys.first.kid} | header
    said = {name: value for name, value in said.items() if value is not None}
    signed = f"{segment(said)}.{parts[1]}"
    signature = signed_by_hand(keys, signed)
    if "jwk" in header or "jku" in header:
        assert verify(keys, f"{signed}.{signature}", NOON) == CLAIMS  # neither is looked at
        return
    with pytest.raises(Unauthorized):
        verify(keys, f"{signed}.{signature}", NOON)


def signed_by_hand(keys: SigningKeys, text: str) -> str:
    """Sign with headers that the library would not sign."""
    digest = hmac.digest(keys.first.raw_value, text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_every_flipped_byte_is_noticed(keys: SigningKeys) -> None:
    token = sign(keys, CLAIMS)
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(Unauthorized):
            verify(keys, token[:place] + other + token[place + 1 :], NOON)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "e30.e30.e30", "x" * 100_000, "\udcff", "ä.ö.ü", "{}"]
)
def test_what_is_no_token_is_refused(keys: SigningKeys, text: str) -> None:
    with pytest.raises(Unauthorized):
        verify(keys, text, NOON)
