"""Certificates are read and judged by real handshakes with real servers."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from integrations.http_endpoints.entry import Runner
from integrations.http_endpoints.tests.conftest import Fail, Serve
from integrations.http_endpoints.tests.tls_contexts import (
    accepting_old_protocols,
    issued,
    self_signed,
)
from utils.testing import Run, run_task, server_test


def read(authority: trustme.CA, *urls: str, timeout_seconds: float = 5) -> Run:
    pem = authority.cert_pem.bytes().decode()
    config = {"urls": urls, "ca_pem": pem, "timeout_seconds": timeout_seconds}
    return run_task("read_certificates", config=config, runner=Runner)


def row_of(run: Run) -> dict[str, Any]:
    (row,) = run.data["certificates"]
    found: dict[str, Any] = row
    return found


@server_test("read_certificates")
def test_a_good_certificate_is_trusted(authority: trustme.CA, serve: Serve) -> None:
    row = row_of(read(authority, serve(issued(authority))).assert_success())
    assert (row["is_trusted"], row["problem"], row["outdated_protocol"]) == (True, None, None)
    assert row["certificate"]["names"] == ["127.0.0.1"]
    assert row["protocol"] == "TLSv1.3"


PROBLEMS: dict[str, Callable[[trustme.CA, Path], ssl.SSLContext]] = {
    "expired": lambda authority, _: issued(authority, days=-3),
    "wrong name": lambda authority, _: issued(authority, "other.example"),
    "self-signed": lambda _, folder: self_signed(folder),
    "unknown authority": lambda *_: issued(trustme.CA()),
    "not yet valid": lambda authority, _: issued(authority, days=1000),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@server_test("read_certificates")
def test_a_certificate_that_is_refused_is_read_all_the_same(
    authority: trustme.CA, serve: Serve, tmp_path: Path, problem: str
) -> None:
    url = serve(PROBLEMS[problem](authority, tmp_path))
    row = row_of(read(authority, url).assert_success())
    assert row["is_trusted"] is False
    assert row["problem"]["problem"] == problem
    assert row["certificate"]["not_after"]


@pytest.mark.parametrize("newest", ["TLSv1.3", "TLSv1.1"])
@server_test("read_certificates")
def test_an_outdated_protocol_that_is_still_accepted_is_told(
    authority: trustme.CA, serve: Serve, newest: str
) -> None:
    version = ssl.TLSVersion[newest.replace(".", "_")]
    context = accepting_old_protocols(issued(authority), version)
    row = row_of(read(authority, serve(context)).assert_success())
    assert (row["protocol"], row["outdated_protocol"]) == (newest, "TLSv1.1")
    assert row["is_trusted"]


@server_test("read_certificates", fault="refused")
def test_a_server_that_refuses_is_partial_and_named(
    authority: trustme.CA, serve: Serve, fail: Fail
) -> None:
    _is_told(authority, serve, fail("refused"))


@server_test("read_certificates", fault="timeout")
def test_a_server_that_never_answers_is_partial_and_named(
    authority: trustme.CA, serve: Serve, fail: Fail
) -> None:
    _is_told(authority, serve, fail("timeout"), timeout_seconds=0.5)


@server_test("read_certificates", fault="cut off")
def test_a_handshake_that_is_cut_off_is_partial_and_named(
    authority: trustme.CA, serve: Serve, fail: Fail
) -> None:
    _is_told(authority, serve, fail("cut off"))


@server_test("read_certificates", fault="refused")
def test_a_server_that_goes_down_before_the_last_handshake_accepts_nothing_old_that_we_know(
    authority: trustme.CA, serve: Serve
) -> None:
    url = serve(issued(authority), 2)
    row = row_of(read(authority, url).assert_partial(f"{url}: no whole TLS handshake"))
    assert row["is_trusted"]
    assert "outdated_protocol" not in row


def _is_told(authority: trustme.CA, serve: Serve, url: str, **config: float) -> None:
    good = serve(issued(authority))
    run = read(authority, url, good, **config).assert_partial(f"{url}: no whole TLS handshake")
    assert [row["url"] for row in run.data["certificates"]] == [url, good]
    assert [bool(row["errors"]) for row in run.data["certificates"]] == [True, False]
