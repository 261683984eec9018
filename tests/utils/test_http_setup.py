import pytest

from utils.http_setup import HTTPOptions, HTTPSetup


def setup(**changes: object) -> HTTPSetup:
    given = {"headers": None, "timeout": 30.0, "max_retries": 3, "options": HTTPOptions()} | changes
    return HTTPSetup("https://h/v1", **given)  # type: ignore[arg-type]  # as a caller may do it


@pytest.mark.parametrize("changes", [{"timeout": 0}, {"timeout": -1.0}, {"max_retries": 0}])
def test_numbers_without_a_meaning_are_the_callers_error(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        setup(**changes)


def test_headers_of_a_request_go_before_those_of_the_client() -> None:
    made = setup(headers={"Accept": "text/plain", "X-A": "1"})
    order = made.order("get", "/a", headers={"x-a": "2", "User-Agent": "me"})
    assert order.headers == {"accept": "text/plain", "user-agent": "me", "x-a": "2"}
    assert (order.method, order.url) == ("GET", "https://h/v1/a")


@pytest.mark.parametrize(
    ("method", "extras", "repeatable"),
    [
        ("GET", {}, True),
        ("HEAD", {}, True),
        ("POST", {}, False),
        ("PATCH", {}, False),
        ("REPORT", {}, False),
        ("POST", {"repeat": True}, True),
        ("PUT", {"repeat": False}, False),
        ("POST", {"headers": {"Idempotency-Key": "1"}}, True),
    ],
)
def test_what_may_be_repeated(method: str, extras: dict[str, object], *, repeatable: bool) -> None:
    order = setup().order(method, "/", **extras)  # type: ignore[arg-type]  # a table of them
    assert order.repeatable is repeatable
