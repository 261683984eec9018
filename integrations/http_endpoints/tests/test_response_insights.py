"""What is said of status, speed, headers and cookies."""

from dataclasses import asdict
from typing import Any

import pytest

from integrations.http_endpoints.cookie import cookies_of
from integrations.http_endpoints.entry import Runner
from utils.testing import Run, run_task

URL = "https://shop.example.com/"
GOOD = {
    "strict-transport-security": "max-age=31536000",
    "content-security-policy": "default-src 'self'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "server": "shop",
}
INSIGHTS = (
    *("unexpected_status", "unanswered", "slow_answers"),
    *("security_headers", "insecure_cookies", "disclosed_versions"),
)


def row(**fields: Any) -> dict[str, Any]:
    usual = {
        "url": URL,
        "attempts": 3,
        "statuses": [200] * 3,
        "unexpected": [],
        "latencies_ms": [100.0] * 3,
        "latency_ms": 100.0,
        "errors": [],
        "is_asked": True,
        "status": 200,
        "headers": GOOD,
        "cookies": [],
    }
    return usual | fields


UNANSWERED = {
    "statuses": [],
    "latencies_ms": [],
    "latency_ms": None,
    "errors": ["refused"],
    "status": None,
    "headers": None,
    "cookies": None,
}


def judge(insight: str, *rows: dict[str, Any], **given: Any) -> Run:
    expected = given.pop("expected", {})
    return run_task(
        insight,
        config={"urls": [{"url": URL, **expected}]},
        runner=Runner,
        data={"read_responses": {"responses": list(rows)}},
        **given,
    )


def told(run: Run) -> str:
    (found,) = run.assert_fail({URL}).resources
    return str(found["message"])


@pytest.mark.parametrize("insight", INSIGHTS)
def test_a_good_answer_passes(insight: str) -> None:
    judge(insight, row()).assert_pass()


@pytest.mark.parametrize("insight", INSIGHTS)
def test_a_url_that_was_not_asked_is_unknown(insight: str) -> None:
    unasked = row(**UNANSWERED, is_asked=False)
    missing = {"read_responses": [f"{URL}: the proxy refused"]}
    judge(insight, unasked, partial=missing).assert_unknown("the proxy refused")


def test_no_answer_is_a_violation_and_worse_when_it_is_steady() -> None:
    steady = judge("unanswered", row(**UNANSWERED))
    assert "3 of 3 attempts got no answer (refused)" in told(steady)
    assert steady.resources[0]["severity"] is None
    now_and_then = judge("unanswered", row(statuses=[200, 200], errors=["refused"]))
    assert "1 of 3" in told(now_and_then)
    assert now_and_then.resources[0]["severity"] == "medium"


def test_an_unexpected_status_is_a_violation_and_worse_when_it_is_steady() -> None:
    steady = judge("unexpected_status", row(statuses=[500] * 3, unexpected=[500], status=None))
    assert "it answers 500, not 200 to 399" in told(steady)
    assert steady.resources[0]["severity"] is None
    mixed = row(statuses=[200, 500, 200], unexpected=[500])
    assert "now and then, not 200 or 204" in told(
        judge("unexpected_status", mixed, expected={"status": [200, 204]})
    )


@pytest.mark.parametrize(("took_ms", "severity"), [(1500.0, None), (2500.0, "medium")])
def test_a_slow_answer_is_a_violation(took_ms: float, severity: str | None) -> None:
    run = judge("slow_answers", row(latency_ms=took_ms))
    assert f"{took_ms:,.0f} ms, more than 1,000" in told(run)
    assert run.resources[0]["severity"] == severity
    judge("slow_answers", row(latency_ms=took_ms), expected={"latency_ms": 3000}).assert_pass()


HEADERS = [
    ({"strict-transport-security": None}, "medium", "no HSTS"),
    ({"strict-transport-security": "max-age=0"}, "medium", "switches it off"),
    ({"strict-transport-security": "max-age=864000"}, "low", "10 days only"),
    ({"content-security-policy": None, "x-frame-options": "DENY"}, "medium", "no Content-Sec"),
    ({"content-security-policy": "frame-ancestors 'self'"}, "low", "without script-src"),
    (
        {"content-security-policy": "script-src 'unsafe-inline'; frame-ancestors 'self'"},
        "low",
        "inline scripts",
    ),
    ({"content-security-policy": "default-src 'self'"}, "medium", "frame it"),
    ({"x-content-type-options": None}, "low", "nosniff"),
    ({"referrer-policy": None}, "low", "no Referrer-Policy"),
    ({"referrer-policy": "no-referrer, unsafe-url"}, "low", "`unsafe-url` tells"),
]


@pytest.mark.parametrize(("changed", "severity", "message"), HEADERS)
def test_each_header_that_is_missing_or_weak_is_told(
    changed: dict[str, str | None], severity: str, message: str
) -> None:
    headers = {name: value for name, value in (GOOD | changed).items() if value is not None}
    run = judge("security_headers", row(headers=headers))
    assert message in told(run)
    assert run.resources[0]["severity"] == severity
    excepted = {"headers_excepted": [name.title() for name in changed] + ["x-frame-options"]}
    judge("security_headers", row(headers=headers), expected=excepted).assert_pass()


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (301, {"strict-transport-security": "max-age=31536000"}),
        (200, GOOD | {"content-type": "application/json", "content-security-policy": ""}),
        (200, GOOD | {"content-security-policy": "script-src 'unsafe-inline' 'nonce-x'"}),
        (200, GOOD | {"content-security-policy": "default-src *", "x-frame-options": "deny"}),
    ],
)
def test_headers_are_wanted_where_they_protect(status: int, headers: dict[str, str]) -> None:
    headers = {"x-frame-options": "deny"} | headers
    run = judge("security_headers", row(status=status, headers=headers)).assert_pass()
    assert ("only redirect" in (run.message or "")) == (status == 301)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a=1", "cookie a lacks Secure and HttpOnly"),
        ("a=1; Secure, b=2; secure; httponly", "cookie a lacks HttpOnly"),
        ("a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly", "cookie a lacks Secure"),
    ],
)
def test_unprotected_cookies_are_told(header: str, message: str) -> None:
    cookies = [asdict(cookie) for cookie in cookies_of(header)]
    run = judge("insecure_cookies", row(cookies=cookies))
    assert f"{message}." in told(run)
    excepted = {"cookies_excepted": ["a"]}
    judge("insecure_cookies", row(cookies=cookies), expected=excepted).assert_pass()


def test_versions_in_headers_are_told() -> None:
    headers = GOOD | {"server": "nginx/1.29.3", "x-powered-by": "PHP"}
    run = judge("disclosed_versions", row(headers=headers))
    assert "`server: nginx/1.29.3`" in told(run)
    assert "PHP" not in told(run)
