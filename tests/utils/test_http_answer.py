import pytest

from utils.errors import (
    IntegrationAuthError,
    IntegrationError,
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)
from utils.http_answer import Answer, Fault, error_of, json_of
from utils.http_order import Order

ORDER = Order("GET", "https://h/a?b=c", {"x-token": "abcdef"}, None, 1.0, repeatable=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, IntegrationPermanentError),
        (400, IntegrationPermanentError),
        (401, IntegrationAuthError),
        (403, IntegrationAuthError),
        (407, IntegrationPermanentError),
        (408, IntegrationTemporaryError),
        (425, IntegrationTemporaryError),
        (429, IntegrationRateLimited),
        (500, IntegrationTemporaryError),
        (501, IntegrationTemporaryError),
        (599, IntegrationTemporaryError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[IntegrationError]) -> None:
    error = error_of(ORDER, Answer(status, {}, b"said abcdef"), 0.0)
    assert type(error) is kind
    assert error.status == status
    assert error.reason.startswith(f"GET https://h/a answered {status}")
    assert error.reason.endswith(": said ***")
    assert error.body == "said ***"


def test_a_refusal_behind_a_redirect_says_where_the_credentials_did_not_go() -> None:
    sent = ORDER._replace(url="https://login.h/start?c=d", headers={})
    error = error_of(ORDER, Answer(401, {}, b""), 0.0, sent)
    assert isinstance(error, IntegrationAuthError)
    said = "GET https://h/a, redirected to https://login.h, answered 401 Unauthorized"
    assert error.reason == said
    assert error.advice.startswith("give https://login.h as the base URL")
    fault = error_of(ORDER, Fault("gone"), 0.0, sent)
    assert fault is not None
    assert fault.reason == "GET https://h/a, redirected to https://login.h: gone"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_what_is_fine_is_no_error(status: int) -> None:
    assert error_of(ORDER, Answer(status, {}, b""), 0.0) is None


def test_any_answer_is_fine_as_it_is_but_one_of_the_own_proxy() -> None:
    order = ORDER._replace(as_is=True)
    assert error_of(order, Answer(500, {}, b""), 0.0) is None
    refused = {"proxy-status": "trueline; error=http_request_denied"}
    error = error_of(order, Answer(403, refused, b""), 0.0)
    assert isinstance(error, IntegrationPermanentError)


def test_a_fault_is_temporary_unless_it_would_come_again() -> None:
    assert isinstance(error_of(ORDER, Fault("gone"), 0.0), IntegrationTemporaryError)
    fault = Fault("wrong", permanent=True)
    assert isinstance(error_of(ORDER, fault, 0.0), IntegrationPermanentError)


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"", None), (b"null", None), (b"\xef\xbb\xbf[1]", [1]), ('"ä"'.encode("utf-16"), "ä")],
)
def test_json_is_read_in_any_of_its_encodings(body: bytes, value: object) -> None:
    assert json_of(ORDER, Answer(200, {}, body)) == value == Answer(200, {}, body).json()


@pytest.mark.parametrize("body", [b"<html>", b'{"a": ', b"\xff\xfe\xfd"])
def test_other_bodies_are_errors(body: bytes) -> None:
    with pytest.raises(IntegrationPermanentError, match="is not JSON"):
        json_of(ORDER, Answer(200, {"content-type": "text/html; charset=x"}, body))


def test_what_is_no_json_is_told_without_what_was_sent() -> None:
    answer = Answer(200, {}, b"<p>abcdef</p>")
    with pytest.raises(IntegrationPermanentError, match="no type that is not JSON") as alone:
        answer.json()
    with pytest.raises(IntegrationPermanentError, match="GET https://h/a answered 200") as asked:
        json_of(ORDER, answer)
    assert (alone.value.body, asked.value.body) == ("", "<p>***</p>")
