"""http_endpoints against real servers on loopback, run as `trueline run` runs it."""

import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import trustme

from cli.local_run import LocalWorker, check_config, read_entry
from integrations.http_endpoints.tests.tls_contexts import (
    accepting_old_protocols,
    issued,
    self_signed,
)
from tests.remote import Remote, Reply, running_remote
from utils.config_schema import validate_config
from utils.quality import quality_of
from utils.settings import Settings, read_settings

REPOSITORY = Path(__file__).parents[2]
NAME = "http_endpoints"
OLD, NEW = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_3
PAGE = (
    ("Content-Type", "text/html"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Set-Cookie", "session=s3cr3t; Secure; HttpOnly"),
    ("Set-Cookie", "seen=Wed; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure; HttpOnly"),
)
BARE = (
    ("Set-Cookie", "session=s3cr3t; Secure"),
    ("Set-Cookie", "seen=1; HttpOnly"),
    ("Server", "shop/1.2.3"),
)
Results = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Town:
    """Servers on loopback; they live as long as the tests of this file."""

    stack: ExitStack
    authority: trustme.CA
    ports: list[int]

    def https(self, context: ssl.SSLContext | None = None) -> Remote:
        return self._open(context or issued(self.authority))

    def http(self) -> Remote:
        return self._open(None)

    def _open(self, context: ssl.SSLContext | None) -> Remote:
        remote = self.stack.enter_context(running_remote(context))
        remote.replies("/", Reply(200, b"<p>hello", PAGE))
        self.ports.append(remote.port)
        return remote

    def silent(self) -> str:
        """Return the URL of a server that takes connections and never says a word."""
        listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.ports.append(listener.getsockname()[1])
        return f"https://127.0.0.1:{self.ports[-1]}/"

    def closed(self, scheme: str) -> str:
        """Return a URL where nobody listens; the port is taken, so that nobody else does."""
        taken = self.stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        self.ports.append(taken.getsockname()[1])
        return f"{scheme}://127.0.0.1:{self.ports[-1]}/"


def tls_url(remote: Remote, path: str = "/") -> str:
    return f"https://127.0.0.1:{remote.port}{path}"


def leading(town: Town, *steps: tuple[str, int, str]) -> Remote:
    """Return a server over TLS with redirects."""
    remote = town.https()
    for path, status, location in steps:
        remote.replies(path, Reply(status, headers=(("Location", location),)))
    return remote


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(stack, trustme.CA(), [])


@pytest.fixture(scope="module")
def good(town: Town) -> list[Any]:
    """Return URLs of which nothing bad can be said."""
    site, http = town.https(), town.http()
    http.replies("/", Reply(301, headers=(("Location", tls_url(site)),)))
    local = town.https(issued(town.authority, "localhost"))
    local.replies("/away", Reply(302, headers=(("Location", tls_url(site)), PAGE[1])))
    return [
        {"url": tls_url(site), "http_url": f"{http.url}/"},
        {
            "url": f"https://localhost:{local.port}/away",
            "redirect_hosts": ["127.0.0.1"],
            "http_url": town.closed("http").replace("127.0.0.1", "localhost"),
            "plain_http": "closed",
        },
    ]


@pytest.fixture(scope="module")
def bad(town: Town, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return URLs, each with something bad about it, by what that is."""
    authority = town.authority
    alone = self_signed(tmp_path_factory.mktemp("alone"))
    clear, passing = town.http(), town.http()
    remembered, other = town.https(), town.https()
    passing.replies("/", Reply(302, headers=(("Location", tls_url(remembered)),)))
    ill, weary, slow, bare = (town.https() for _ in range(4))
    ill.replies("/", Reply(500, b"oops"))
    # Redirects are followed beside: whichever collector is served first, attempts differ.
    weary.replies("/", *[Reply(200, b"", PAGE), Reply(503)] * 20)
    slow.replies("/", Reply(200, b"", PAGE, wait_seconds=0.3))
    bare.replies("/", Reply(200, b"", BARE))
    cut, dropped = town.https(), town.https()
    cut.replies("/", Reply(200, b"x" * 100, PAGE, cut=50))
    dropped.replies("/", Reply(drop=True))
    down = leading(town, ("/", 302, f"{clear.url}/"))
    return {
        "expired": tls_url(town.https(issued(authority, days=-2))),
        "wrong name": tls_url(town.https(issued(authority, "other.example"))),
        "self-signed": tls_url(town.https(alone)),
        "untrusted": tls_url(town.https(issued(trustme.CA()))),
        "near": tls_url(town.https(issued(authority, days=20))),
        "very near": tls_url(town.https(issued(authority, days=3))),
        "accepts old": tls_url(town.https(accepting_old_protocols(issued(authority), NEW))),
        "only old": tls_url(town.https(accepting_old_protocols(issued(authority), OLD))),
        "in the clear": {"url": tls_url(other), "http_url": f"{clear.url}/"},
        "forgotten": {"url": tls_url(remembered), "http_url": f"{passing.url}/"},
        "loop": tls_url(leading(town, ("/", 302, "/a"), ("/a", 302, "/"))),
        "other host": tls_url(leading(town, ("/", 302, "https://away.example/"))),
        "downgrade": tls_url(down),
        "ill": tls_url(ill),
        "weary": tls_url(weary),
        "slow": {"url": tls_url(slow), "latency_ms": 100},
        "bare": tls_url(bare),
        "cut": tls_url(cut),
        "dropped": tls_url(dropped),
        "closed": town.closed("https"),
        "silent": town.silent(),
    }


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    return {**kept, "TRUELINE_DATA_DIR": str(tmp_path_factory.mktemp("data"))}


def settings_of(variables: Mapping[str, str], **more: str) -> Settings:
    return read_settings({**variables, **more}, REPOSITORY)


def watch(
    town: Town,
    variables: Mapping[str, str],
    urls: list[Any],
    egress: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, Results]:
    """Run it; return the job's status and the results by task."""
    ports = {"TRUELINE_LOOPBACK_PORTS": ",".join(map(str, town.ports))}
    hosts = tuple(f"127.0.0.1:{port}" for port in town.ports)
    config = {
        "urls": urls,
        "ca_pem": town.authority.cert_pem.bytes().decode(),
        "timeout_seconds": 3,
        "latency_ms": 20_000,
    }
    entry = replace(read_entry(REPOSITORY, NAME), hosts=hosts)
    check_config(entry, config)
    worker = LocalWorker(settings_of(variables, **egress or ports), variables, lambda _: None)
    outcome = worker.run(REPOSITORY, entry, config)
    return outcome.end.status, {result["name"]: result for result in outcome.results}


@pytest.fixture(scope="module")
def fine(town: Town, variables: Mapping[str, str], good: list[Any]) -> Results:
    status, results = watch(town, variables, good)
    assert status == "success"
    return results


@pytest.fixture(scope="module")
def faulty(
    town: Town, variables: Mapping[str, str], bad: dict[str, Any]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the resources of each insight, by what is bad about their URL."""
    status, results = watch(town, variables, list(bad.values()))
    assert status == "success"
    by_url = {one if isinstance(one, str) else one["url"]: name for name, one in bad.items()}
    return {
        task: {by_url[one["id"]]: one for one in result["resources"] or ()}
        for task, result in results.items()
    }


Faulty = Mapping[str, Mapping[str, Mapping[str, Any]]]
INSIGHTS = [
    *("certificate_expiry", "certificate_trust", "disclosed_versions", "insecure_cookies"),
    *("outdated_protocols", "plain_http", "security_headers", "slow_answers"),
    *("stray_redirects", "unanswered", "unexpected_status"),
]


@pytest.mark.parametrize("insight", INSIGHTS)
def test_nothing_is_said_of_good_urls(fine: Results, insight: str) -> None:
    assert fine[insight]["verdict"] == "pass", fine[insight]


def test_what_was_read_is_whole_and_holds_no_cookie(fine: Results) -> None:
    assert [fine[name]["partial"] for name in fine] == [[]] * len(fine)
    assert "s3cr3t" not in json.dumps(fine)


def test_certificates_near_their_end_are_told(faulty: Faulty) -> None:
    severities = {name: one["severity"] for name, one in faulty["certificate_expiry"].items()}
    assert severities == {"expired": "critical", "very near": "critical", "near": "medium"}


def test_certificates_that_clients_refuse_are_told_with_the_reason(faulty: Faulty) -> None:
    problems = {name: one["data"]["problem"] for name, one in faulty["certificate_trust"].items()}
    assert problems == {
        "expired": "expired",
        "wrong name": "wrong name",
        "self-signed": "self-signed",
        "untrusted": "unknown authority",
    }


def test_outdated_protocols_are_told(faulty: Faulty) -> None:
    severities = {name: one["severity"] for name, one in faulty["outdated_protocols"].items()}
    assert severities == {"accepts old": None, "only old": "high"}


def test_plain_http_without_a_lasting_redirect_is_told(faulty: Faulty) -> None:
    severities = {name: one["severity"] for name, one in faulty["plain_http"].items()}
    assert severities == {"in the clear": None, "forgotten": "low"}


def test_stray_redirects_are_told(faulty: Faulty) -> None:
    severities = {name: one["severity"] for name, one in faulty["stray_redirects"].items()}
    assert severities == {"loop": None, "other host": None, "downgrade": "high"}


def test_a_status_that_is_not_expected_is_told(faulty: Faulty) -> None:
    severities = {name: one["severity"] for name, one in faulty["unexpected_status"].items()}
    assert severities == {"ill": None, "weary": "medium"}


def test_headers_cookies_and_versions_are_told(faulty: Faulty) -> None:
    assert set(faulty["disclosed_versions"]) == {"bare"}
    assert faulty["insecure_cookies"]["bare"]["data"]["cookies"] == {
        "session": ["HttpOnly"],
        "seen": ["Secure"],
    }
    assert len(faulty["security_headers"]["bare"]["data"]["findings"]) == 5


def test_a_slow_answer_is_told(faulty: Faulty) -> None:
    assert set(faulty["slow_answers"]) == {"slow"}


def test_no_answer_is_told(faulty: Faulty) -> None:
    assert set(faulty["unanswered"]) == {"cut", "dropped", "closed", "silent"}


@pytest.fixture(scope="module")
def unseen(town: Town, variables: Mapping[str, str], good: list[Any]) -> Results:
    """Return what comes of URLs that the job may not reach: nothing is known of them."""
    return watch(town, variables, [good[0]], {"TRUELINE_EGRESS": "declared"})[1]


@pytest.mark.parametrize("insight", INSIGHTS)
def test_what_a_job_may_not_reach_is_unknown(unseen: Results, insight: str) -> None:
    assert unseen[insight]["verdict"] == "unknown", unseen[insight]
    assert "127.0.0.1" in unseen[insight]["reason"]


def test_it_works_through_the_egress_proxy(
    town: Town, variables: Mapping[str, str], good: list[Any], bad: dict[str, Any]
) -> None:
    urls = [good[0], bad["expired"], bad["only old"]]
    private = ",".join(f"127.0.0.1:{port}" for port in town.ports)
    told = {"TRUELINE_EGRESS": "declared", "TRUELINE_EGRESS_PRIVATE": private}
    _, results = watch(town, variables, urls, told)
    assert results["read_certificates"]["partial"] == []
    assert [one["id"] for one in results["certificate_trust"]["resources"]] == [bad["expired"]]
    assert [one["id"] for one in results["outdated_protocols"]["resources"]] == [bad["only old"]]
    assert results["plain_http"]["verdict"] == "pass", results["plain_http"]["reason"]


def test_its_quality_is_of_these_files_and_no_collector_is_without_faults() -> None:
    proven = quality_of(REPOSITORY / "integrations" / NAME)
    assert proven is not None
    assert proven.shown_tier == "platinum", "trueline test http_endpoints --faults"
    played = {row["task"]: set(row["cells"]) for row in proven.matrix["rows"]}
    assert set(played) == {"follow_redirects", "read_certificates", "read_responses"}
    assert played["read_certificates"] == {"timeout", "refused", "cut off"}


@pytest.fixture
def schema() -> Mapping[str, Any]:
    return read_entry(REPOSITORY, NAME).schema


@pytest.mark.parametrize(
    "config",
    [
        {"urls": ["https://h/"]},
        {"urls": [{"url": "http://h/", "status": [401], "plain_http": "closed"}]},
    ],
)
def test_its_schema_accepts(schema: Mapping[str, Any], config: dict[str, Any]) -> None:
    assert validate_config(schema, config) == []


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"urls": []},
        {"urls": ["ftp://h/"]},
        {"urls": [{"url": "https://h/", "plain_http": "open"}]},
        {"urls": [{"url": "https://h/", "statuss": [200]}]},
        {"urls": ["https://h/"], "attempts": 0},
    ],
)
def test_its_schema_refuses(schema: Mapping[str, Any], config: dict[str, Any]) -> None:
    assert validate_config(schema, config)
