"""What ctx hands over, in a real child that talks to a real server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from utils.task_context import JobView, OnDemand, TaskContext
from utils.task_tools import JobTools, make_tools
from utils.token_bucket import Pace

if TYPE_CHECKING:
    from tests.remote import Remote

SECRET = "s3cr3t-t0ken"
TASKS = """
import sys

from utils.decorators import task
from utils.token_bucket import Pace


@task(name="a_list", title="List")
def a_list(self, ctx):
    client = ctx.http(self.config["url"], headers={"Authorization": "Bearer s3cr3t-t0ken"})
    ctx.progress(1, 2)
    ctx.progress(2, 2)
    ctx.logger.info("found %d", 1)
    ctx.logger.debug("not shown")
    return {"data": {"items": ctx.cache.get_or_compute("items", lambda: client.get("/items"))}}


@task(name="b_again", title="Again")
def b_again(self, ctx):
    return {"data": {"items": ctx.cache.get("items"), "heavy": "httpx2" in sys.modules}}
"""
PLAIN = """
import sys

from utils.decorators import task

HEAVY = {"httpx2", "ssl", "asyncio", "logging", "sqlite3", "pydantic", "utils.http"}


@task(name="plain", title="Plain")
def plain(self, ctx):
    return {"data": {"heavy": sorted(HEAVY & set(sys.modules))}}
"""


@pytest.fixture
def view() -> JobView:
    return JobView({"integration_name": "github"}, {}, {}, {}, {}, tools=OnDemand())


def test_a_task_gets_client_cache_logger_and_progress(
    run_child: Callable[..., Any],
    write_snapshot: Callable[[Mapping[str, str]], Path],
    remote: "Remote",
) -> None:
    remote.replies("/items", remote.json([1, 2]))
    snapshot = write_snapshot({"collectors/tasks.py": TASKS})
    child = run_child("sample", snapshot, config={"url": remote.url})
    assert child.results["a_list"]["data"] == {"items": [1, 2]}, child.results
    assert child.results["b_again"]["data"] == {"items": [1, 2], "heavy": True}
    assert child.results["a_list"]["logs"] == ["INFO found 1"]
    assert child.stdout == "a_list: 1/2 (50 %)\na_list: 2/2 (100 %)\n"
    assert len(remote.got) == 1


def test_a_task_that_uses_none_of_it_does_not_pay_for_it(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    child = run_child("sample", write_snapshot({"collectors/tasks.py": PLAIN}))
    assert child.results["plain"]["data"] == {"heavy": []}


@pytest.mark.parametrize(
    ("status", "kind", "wait"), [(401, "auth", None), (429, "rate_limited", 86400.0)]
)
def test_an_error_of_the_tree_puts_its_cause_on_the_result(
    run_child: Callable[..., Any],
    write_snapshot: Callable[[Mapping[str, str]], Path],
    remote: "Remote",
    status: int,
    kind: str,
    wait: float | None,
) -> None:
    headers = {"Retry_After": "86400"} if wait else {}
    remote.replies("/items", remote.json({"token": SECRET}, status, **headers))
    snapshot = write_snapshot({"collectors/tasks.py": TASKS})
    child = run_child("sample", snapshot, config={"url": remote.url})
    result = child.results["a_list"]
    assert result["status"] == "failed"
    assert result["cause"] == {"kind": kind, "retry_after": wait}
    assert SECRET not in str(child)
    assert child.results["b_again"]["cause"] is None
    assert result["logs"][1].startswith("ERROR attempt 1/3 failed: Integration")


def test_the_retries_of_a_client_are_in_the_tasks_logs(view: JobView) -> None:
    ctx = TaskContext("a", view, {})
    ctx.logger.warning("attempt %d", 1)
    ctx.logger.debug("not kept")
    assert ctx.noted()[1] == ("WARNING attempt 1",)
    assert ctx.logger.name == "trueline.integration.github"


def test_tasks_of_a_job_share_the_cache_and_the_buckets(view: JobView, remote: "Remote") -> None:
    first, second = (make_tools(name, view, print) for name in ("a", "b"))
    first.cache.set("x", 1)
    assert second.cache.get("x") == 1
    remote.replies("/", remote.json(1))
    pace, waits = Pace(1, 0.001), []
    for tools, secret in ((first, "a"), (second, "a"), (second, "b")):
        client = tools.http(remote.url, headers={"X-Api-Key": secret * 8}, pace=pace)
        limit = client._setup.options.limit
        assert limit is not None
        waits.append(limit.reserve(1))
    assert waits == [0.0, None, 0.0]


def test_progress_is_shown_once_a_second_and_at_the_end(
    view: JobView, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = make_tools("list", view, print)
    for done in range(1001):
        tools.progress(done, 1000)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "list: 0/1000 (0 %)"
    assert lines[-1] == "list: 1000/1000 (100 %)"
    assert len(lines) < 20
    tools = make_tools("list", view, print)
    tools.progress(7, None)
    assert capsys.readouterr().out == "list: 7\n"


def test_what_tasks_share_is_made_once() -> None:
    shared = OnDemand()
    assert shared.get(JobTools) is shared.get(JobTools)
