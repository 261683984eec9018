import base64

import pytest

from api.signatures import Signed, hex_digest, is_signed, key_of, new_secret, same, signed_headers


def test_signature_is_that_of_the_standards_own_example() -> None:
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key]
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_digest_is_that_of_githubs_own_example() -> None:
    digest = hex_digest(b"Hello, World!", b"It's a Secret to Everybody")
    assert digest == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_one_right_signature_of_several_is_enough() -> None:
    key, body = key_of(new_secret()), b"body"
    right = signed_headers("id", 7, body, [key])["webhook-signature"]
    for given, wanted in (
        (right, True),
        (f"v1,bm8= v2,x {right}", True),
        (right.replace("v1", "v2"), False),
        ("v1,", False),
        ("", False),
        (right.removeprefix("v1,"), False),
    ):
        assert is_signed(Signed("id", "7", given), body, key) is wanted
    assert not is_signed(Signed("id", "8", right), body, key)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_" + base64.b64encode(b"short").decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        base64.b64encode(b"x" * 32).decode(),
        "whsec_not base64!",
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        key_of(secret)


def test_secrets_differ_and_are_compared_as_wholes() -> None:
    assert new_secret() != new_secret()
    assert len(key_of(new_secret())) == 32
    assert same("a", "a")
    assert not same("a", "ab")
    assert not same("\udcff", "a")
