"""What is said of redirects; chains are followed over a web of answers."""

from dataclasses import asdict
from typing import Any

import pytest

from integrations.http_endpoints.chain import follow
from integrations.http_endpoints.endpoint import read_endpoints
from integrations.http_endpoints.entry import Runner
from utils.errors import IntegrationTemporaryError
from utils.http import Answer
from utils.testing import Run, run_task

URL = "https://shop.example.com/"
PLAIN = "http://shop.example.com/"
WWW = "https://www.example.com/"
Web = dict[str, tuple[int, str]]
GOOD: Web = {URL: (200, ""), PLAIN: (301, URL)}


def judge(insight: str, web: Web, **expected: Any) -> Run:
    """Follow a URL and its plain variant through a web, and judge where they lead."""
    config = {"urls": [{"url": URL, **expected}]}
    (endpoint,) = read_endpoints(config)

    def get(url: str) -> Answer:
        if url not in web:
            raise IntegrationTemporaryError("refused")
        status, location = web[url]
        return Answer(status, {"location": location} if location else {}, b"")

    direct, plain = (asdict(follow(start, endpoint, get)) for start in (URL, PLAIN))
    row = {"url": URL, "direct": direct, "plain": plain, "partial": []}
    unclear = [chain["error"] for chain in (direct, plain) if chain["error"]]
    partial = {"follow_redirects": unclear} if unclear else {}
    data = {"follow_redirects": {"redirects": [row]}}
    return run_task(insight, config=config, runner=Runner, data=data, partial=partial)


@pytest.mark.parametrize("insight", ["plain_http", "stray_redirects"])
def test_a_lasting_way_to_https_passes(insight: str) -> None:
    judge(insight, GOOD).assert_pass()


@pytest.mark.parametrize("insight", ["plain_http", "stray_redirects"])
def test_what_gave_no_answer_is_unknown(insight: str) -> None:
    judge(insight, {URL: (200, "")}).assert_unknown("refused")


@pytest.mark.parametrize(
    ("plain", "severity", "told"),
    [
        ({PLAIN: (200, "")}, None, "answers 200 in the clear"),
        ({PLAIN: (302, URL)}, "low", "redirects by 302"),
        ({PLAIN: (301, f"{PLAIN}b"), f"{PLAIN}b": (200, "")}, None, "/b answers 200"),
        ({PLAIN: (301, "http://www.example.com/")}, None, "and not to https"),
        ({PLAIN: (301, "/b"), f"{PLAIN}b": (307, URL)}, "low", "redirects by 307"),
    ],
)
def test_plain_http_has_to_lead_to_https_for_good(
    plain: Web, severity: str | None, told: str
) -> None:
    (found,) = judge("plain_http", GOOD | plain).assert_fail({URL}).resources
    assert found["severity"] == severity
    assert told in found["message"]


def test_plain_http_may_have_to_be_closed() -> None:
    closed = {"plain_http": "closed"}
    judge("plain_http", GOOD | {PLAIN: (403, "")}, **closed).assert_pass()
    (found,) = judge("plain_http", GOOD, **closed).assert_fail({URL}).resources
    assert "should be closed" in found["message"]


@pytest.mark.parametrize(
    ("web", "severity", "told"),
    [
        ({URL: (302, WWW)}, None, "leads to www.example.com"),
        ({URL: (302, "/b"), f"{URL}b": (302, URL)}, None, "in a circle"),
        ({URL: (302, f"{PLAIN}b"), f"{PLAIN}b": (200, "")}, "high", "back to plain HTTP"),
        ({URL: (302, "ftp://shop.example.com/")}, None, "no URL"),
        ({URL: (302, "https://[bad")}, None, "no URL"),
        ({URL: (302, "/0")} | {f"{URL}{n}": (302, f"/{n + 1}") for n in range(20)}, None, "11"),
    ],
)
def test_stray_redirects_are_told(web: Web, severity: str | None, told: str) -> None:
    (found,) = judge("stray_redirects", GOOD | web).assert_fail({URL}).resources
    assert found["severity"] == severity
    assert told in found["message"]


def test_hosts_that_are_allowed_are_followed() -> None:
    web = GOOD | {URL: (302, WWW), WWW: (200, "")}
    judge("stray_redirects", web, redirect_hosts=["www.example.com"]).assert_pass()
