"""What the HTTP collectors make of recorded exchanges."""

from typing import Any

import pytest

from integrations.http_endpoints.entry import Runner
from utils.testing import Exchanges, Run, run_task

URL = "https://shop.example.com/"
RECORDED = Exchanges("exchanges/default")


def collect(task: str, *urls: Any, **config: Any) -> Run:
    wanted = {"urls": urls or [URL], "attempts": 2} | config
    return run_task(task, config=wanted, runner=Runner, exchanges=RECORDED)


def test_a_good_answer_is_read_in_each_attempt() -> None:
    (row,) = collect("read_responses").assert_success().data["responses"]
    assert (row["statuses"], row["status"], row["unexpected"]) == ([200, 200], 200, [])
    assert len(row["latencies_ms"]) == 2
    assert row["headers"]["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_plain_http_is_followed_to_the_url() -> None:
    (row,) = collect("follow_redirects").assert_success().data["redirects"]
    assert row["direct"]["end"] == "answer"
    assert (row["plain"]["end"], row["plain"]["steps"][0]["status"]) == ("arrived", 301)


def test_plain_http_is_not_asked_where_that_is_not_wanted() -> None:
    unchecked = {"url": URL, "plain_http": "unchecked"}
    (row,) = collect("follow_redirects", unchecked).assert_success().data["redirects"]
    assert row["plain"] is None


@pytest.mark.parametrize("task", ["read_responses", "follow_redirects"])
def test_an_answer_that_is_not_expected_is_partial(task: str) -> None:
    collect(task, {"url": URL, "status": [204]}).assert_partial(URL)


@pytest.mark.parametrize("task", ["read_responses", "follow_redirects"])
def test_one_url_without_an_answer_does_not_hide_the_others(task: str) -> None:
    run = collect(task, URL, "https://gone.example.com/").assert_partial("https://gone.example.com")
    (rows,) = run.data.values()
    assert [row["url"] for row in rows] == [URL, "https://gone.example.com/"]


def test_plain_http_may_be_meant_to_be_closed() -> None:
    elsewhere = {"url": URL, "plain_http": "closed", "http_url": "http://shop.example.com:81/"}
    # There is no recorded answer, which is no sign of a closed port.
    collect("follow_redirects", elsewhere).assert_partial("http://shop.example.com:81")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"urls": []}, "no URL to watch"),
        ({"urls": [URL, {"url": URL}]}, "more than once"),
        ({"urls": ["https://ann:pass@h/"]}, "carries a user name"),  # pragma: allowlist secret
        ({"urls": ["https://"]}, "no URL of https or http"),
        ({"urls": ["https://h:port/"]}, "is no URL"),
        ({"urls": [{"url": URL, "http_url": URL}]}, "has to begin with http://"),
        ({"urls": [URL], "ca_pem": "no PEM"}, "holds no certificates"),
        ({"urls": [URL], "ca_file": "/missing.pem"}, "cannot be read"),
    ],
)
def test_a_config_that_cannot_be_used_is_told(config: dict[str, Any], told: str) -> None:
    run = run_task("read_responses", config=config, runner=Runner)
    run.assert_skipped(told)
