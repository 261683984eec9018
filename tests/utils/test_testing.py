"""Tests of what an integration's own tests use."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from utils.decorators import task
from utils.errors import AuthoringError, IntegrationAuthError, IntegrationRateLimited
from utils.exchange_file import ExchangeUnusable
from utils.testing import Exchanges, Run, run_task, server_test

ENTRY = {
    "format": 1,
    "task": "fetch",
    "request": {"method": "GET", "url": "https://x.example/a/***", "headers": {}, "body": None},
    "response": {"status": 200, "headers": {}, "body": {"json": [1]}},
}


@task(name="count", title="Count")
def count(_self: Any, ctx: Any) -> dict[str, Any]:
    if error := ctx.config.get("error"):
        raise error
    if "gap" in ctx.config:
        ctx.mark_partial(ctx.config["gap"])
    ctx.add_log("counted")
    return {"data": {"n": Decimal("1.5"), "base": ctx.base("unit")}, "message": "one and a half"}


@task(name="fetch", title="Fetch")
def fetch(_self: Any, ctx: Any) -> dict[str, Any]:
    client = ctx.http("https://x.example/a")
    return {"data": client.get(f"/{ctx.config['token']}")}


@task(name="large", title="Large")
def large(_self: Any, _ctx: Any) -> dict[str, Any]:
    return {"data": {"rows": ["x" * 1000] * 1000}}


@task(name="small", title="Small", type="insight", severity="high", depends_on=["count"])
def small(_self: Any, ctx: Any) -> dict[str, Any]:
    n = ctx.get_data("count")["n"]
    found = [{"id": f"r{number}", "message": "too much"} for number in range(n)]
    return {"data": {}, "resources": found}


@task(name="tolerant", title="Tolerant", type="insight")
def tolerant(_self: Any, ctx: Any) -> dict[str, Any]:
    return {"data": {}, "violation": not ctx.succeeded("count")}


@task(name="careless", title="Careless", type="insight")
def careless(_self: Any, ctx: Any) -> dict[str, Any]:
    return {"data": ctx.get_data("count")}


def test_data_comes_as_it_is_recorded() -> None:
    run = run_task(count, base={"unit": "kg"}).assert_success()

    assert run.data == {"n": "1.5", "base": "kg"}
    assert (run.message, run.logs, run.type) == ("one and a half", ("counted",), "collector")


def test_large_data_comes_whole() -> None:
    assert len(run_task(large).assert_success().data["rows"]) == 1000


def test_a_partial_collector_is_no_success() -> None:
    run = run_task(count, config={"gap": "page 2"}).assert_partial("page 2")

    with pytest.raises(AssertionError, match="not partial"):
        run.assert_success()


def test_an_error_of_the_tree_has_its_cause() -> None:
    run = run_task(count, config={"error": IntegrationAuthError("no")}).assert_failed(cause="auth")

    assert run.assert_failed(reason="no").errors
    with pytest.raises(AssertionError, match="'rate_limited'"):
        run.assert_failed(cause="rate_limited")


def test_any_other_error_has_none() -> None:
    run = run_task(count, config={"error": IntegrationRateLimited("slow")})
    assert run.cause == "rate_limited"
    assert run_task(count, config={"error": RuntimeError("boom")}).assert_failed().cause is None


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"data": {"count": {"n": 0}}}, "pass"),
        ({"data": {"count": {"n": 2}}}, "fail"),
        ({"data": {"count": {"n": 0}}, "partial": {"count": ["a page"]}}, "unknown"),
        ({"data": {"count": {"n": 1}}, "partial": {"count": ["a page"]}}, "fail"),
        ({"failed": {"count"}}, "unknown"),
    ],
)
def test_verdicts_are_those_of_a_job(given: dict[str, Any], verdict: str) -> None:
    assert run_task(small, **given).verdict == verdict


def test_resources_are_compared_as_a_whole() -> None:
    run = run_task(small, data={"count": {"n": 2}}).assert_fail(resources={"r0", "r1"})

    assert run.severity == "high"
    with pytest.raises(AssertionError, match=r"missing \['r9'\], unexpected \['r1'\]"):
        run.assert_fail(resources={"r0", "r9"})


def test_what_depends_on_a_failed_task_is_skipped() -> None:
    run_task(small, failed={"count"}).assert_skipped("did not succeed")
    run_task(small).assert_skipped("is not part of this run")


def test_reading_a_failed_task_is_unknown_and_asking_is_an_answer() -> None:
    run_task(careless, failed={"count"}).assert_unknown()
    run_task(tolerant, failed={"count"}).assert_fail()
    run_task(tolerant, data={"count": {}}).assert_pass()


def test_an_assertion_shows_what_came() -> None:
    run = run_task(small, data={"count": {"n": 1}})

    with pytest.raises(AssertionError) as caught:
        run.assert_pass()

    assert "expected pass of task 'small'" in str(caught.value)
    assert "verdict: fail" in str(caught.value)
    assert "too much" in str(caught.value)


@pytest.mark.parametrize("name", ["assert_unknown", "assert_skipped", "assert_partial"])
def test_each_assertion_can_fail(name: str) -> None:
    run = run_task(small, data={"count": {"n": 0}})

    with pytest.raises(AssertionError, match="expected"):
        getattr(run, name)("no such reason")


def test_what_is_no_task_is_refused_with_advice() -> None:
    with pytest.raises(AuthoringError, match="is no task"):
        run_task(test_data_comes_as_it_is_recorded)
    with pytest.raises(AuthoringError, match="no task is named 'count'"):
        run_task("count")


def test_data_that_could_not_be_recorded_is_refused() -> None:
    with pytest.raises(Exception, match="data"):
        run_task(small, data={"count": {"n": object()}})


@pytest.fixture
def recorded(tmp_path: Path) -> Exchanges:
    (tmp_path / "0001-GET-a.json").write_text(json.dumps(ENTRY))
    return Exchanges(tmp_path)


def test_exchanges_answer_with_the_secrets_of_the_config_taken_out(recorded: Exchanges) -> None:
    assert run_task(fetch, config={"token": "any"}, exchanges=recorded).status == "failed"
    run = run_task(fetch, config={"token": "long-enough"}, exchanges=recorded).assert_success()
    assert run.data == [1]


def test_without_the_exchange_the_error_names_it(recorded: Exchanges) -> None:
    recorded.recorded = ()
    run = run_task(fetch, config={"token": "t"}, exchanges=recorded)

    run.assert_failed(cause="permanent", reason="no recorded exchange answers GET https://x")


def test_a_relative_folder_is_beside_the_test(recorded: Exchanges) -> None:
    assert recorded.path.is_absolute()
    with pytest.raises(ExchangeUnusable) as caught:
        Exchanges("no/such/folder")
    assert str(Path(__file__).parent) in caught.value.reason


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "notes.jsonl"
    monkeypatch.setenv("TRUELINE_TEST_NOTES", str(path))
    return path


def test_what_was_tested_is_noted_where_somebody_asks(notes: Path) -> None:
    @server_test("count", "large")
    def answers(n: int) -> int:
        run_task(small, data={"count": {"n": n}})
        run_task(count)
        return n

    @server_test("count", fault="timeout")
    def fails() -> None:
        run_task(count, config={"error": IntegrationRateLimited("slow")}).assert_success()

    assert answers(0) == 0
    with pytest.raises(AssertionError):
        fails()
    run_task(count, config={"gap": "page 2"})

    told = [json.loads(line) for line in notes.read_text().splitlines()]
    insight, *collectors = told
    assert (insight["task"], insight["verdict"]) == ("small", "pass")
    assert "is_served" not in insight
    seen = [(it["status"], it["is_partial"], it["cause"]) for it in collectors]
    assert seen == [
        ("success", False, None),
        ("failed", False, "rate_limited"),
        ("success", True, None),
    ]
    assert [it.get("fault", "not served") for it in collectors] == [None, "timeout", "not served"]


def test_exchanges_are_no_server(notes: Path, recorded: Exchanges) -> None:
    @server_test("fetch")
    def replays() -> None:
        run_task(fetch, config={"token": "long-enough"}, exchanges=recorded).assert_success()

    replays()
    assert "is_served" not in json.loads(notes.read_text())


def test_a_server_test_of_nobody_and_an_unknown_fault_are_refused() -> None:
    with pytest.raises(AuthoringError, match="whose server"):
        server_test()
    with pytest.raises(AuthoringError, match="did you mean 'timeout'"):
        server_test("count", fault="timout")


def test_assertions_can_be_chained() -> None:
    run = run_task(small, data={"count": {"n": 0}})

    assert isinstance(run.assert_success().assert_pass(), Run)
