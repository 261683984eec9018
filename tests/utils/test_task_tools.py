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
from threading import Thread

from utils.base_integration import BaseIntegration
from utils.decorators import task
from utils.token_bucket import Pace


class Items(BaseIntegration):
    name = "items"


AT_IMPORT = Items({})


@task(name="a_list", title="List")
def a_list(self, ctx):
    client = ctx.http(self.config["url"], headers={"Authorization": "Bearer s3cr3t-t0ken"})
    ctx.progress(1, 2)
    ctx.progress(2, 2)
    ctx.logger.info("found %d", 1)
    ctx.logger.debug("not shown")
    ctx.logger.info("%d items", "three")
    AT_IMPORT.logger.info("by its class")
    thread = Thread(target=Items({}).logger.warning, args=("from a thread",))
    thread.start()
    thread.join()
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
    assert child.results["a_list"]["logs"] == [
        "INFO found 1",
        "INFO by its class",
        "WARNING from a thread",
    ]
    told = [event for event in child.events if event["type"] == "progress"]
    assert told == [
        {"type": "progress", "task": "a_list", "done": done, "total": 2} for done in (1, 2)
    ]
    assert len(remote.got) == 1


def test_a_task_that_uses_none_of_it_does_not_pay_for_it(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    child = run_child("sample", write_snapshot({"collectors/tasks.py": PLAIN}))
    assert child.results["plain"]["data"] == {"heavy": []}


def test_an_error_of_the_tree_puts_its_cause_on_the_result(
    run_child: Callable[..., Any],
    write_snapshot: Callable[[Mapping[str, str]], Path],
    remote: "Remote",
) -> None:
    remote.replies("/items", remote.json({"token": SECRET}, 429, Retry_After="86400"))
    snapshot = write_snapshot({"collectors/tasks.py": TASKS})
    child = run_child("sample", snapshot, config={"url": remote.url})
    result = child.results["a_list"]
    assert result["status"] == "failed"
    assert result["cause"] == {"kind": "rate_limited", "retry_after": 86400.0}
    assert SECRET not in str(child)
    assert child.results["b_again"]["cause"] is None
    assert result["logs"][-1].startswith("ERROR attempt 1/3 failed: Integration")


def test_debug_lines_and_requests_are_in_the_tasks_logs_where_they_are_asked_for(
    view: JobView, remote: "Remote"
) -> None:
    remote.replies("/items", remote.json(1))
    logs = []
    for debug in (False, True):
        ctx = TaskContext("a", view._replace(tools=OnDemand(debug=debug)), {})
        with ctx.http(remote.url) as client:
            client.get("/items")
        ctx.logger.warning("attempt %d", 1)
        logs.append(ctx.noted()[1])
    assert ctx.logger.name == "trueline.integration.github"
    assert logs[0] == ("WARNING attempt 1",)
    request, warning = logs[1]
    assert request.startswith("DEBUG GET 127.0.0.1 /items 200 ")
    assert warning == "WARNING attempt 1"


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


def test_progress_is_thinned_out_and_its_end_is_told(view: JobView) -> None:
    told: list[Mapping[str, Any]] = []
    tools = make_tools("list", view._replace(mention=told.append), print)
    for done in range(1001):
        tools.progress(done, 1000)
    assert told[0] == {"type": "progress", "task": "list", "done": 0, "total": 1000}
    assert told[-1]["done"] == 1000
    assert len(told) < 20
    make_tools("list", view, print).progress(7, None)  # nobody listens


STAGE_ONE = """
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    class StageOne(BaseRunner.StageOne):
        def start(self):
            client = self.http(self.config["url"])
            self.logger.info("asking")
            token = self.cache.get_or_compute("token", lambda: client.get("/token"), 60)
            return {"token": token}
"""
READS = """
from utils.decorators import task


@task(name="read", title="Read")
def read(self, ctx):
    return {"data": {"base": ctx.base("token"), "cached": ctx.cache.get("token")}}
"""


def test_stage_one_has_client_cache_and_logger(
    run_child: Callable[..., Any],
    write_snapshot: Callable[[Mapping[str, str]], Path],
    remote: "Remote",
) -> None:
    remote.replies("/token", remote.json("t"))
    snapshot = write_snapshot({"entry.py": STAGE_ONE, "collectors/tasks.py": READS})
    child = run_child("sample", snapshot, config={"url": remote.url})
    assert child.results["read"]["data"] == {"base": "t", "cached": "t"}
    stage_one = next(event for event in child.events if event["type"] == "stage_one")
    assert stage_one["logs"] == ["INFO asking"]


OWN_NAMES = """
import logging
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    class StageOne(BaseRunner.StageOne):
        def __init__(self, config):
            self.config = config
            self.logger, self.cache = logging.getLogger("own"), {}

        def start(self):
            self.cache["own"] = self.logger.name
            return {"token": self.cache["own"]}
"""


def test_a_stage_one_may_have_attributes_of_these_names(
    run_child: Callable[..., Any], write_snapshot: Callable[[Mapping[str, str]], Path]
) -> None:
    snapshot = write_snapshot({"entry.py": OWN_NAMES, "collectors/tasks.py": READS})
    child = run_child("sample", snapshot)
    assert child.results["read"]["data"] == {"base": "own", "cached": None}


def test_what_tasks_share_is_made_once() -> None:
    shared = OnDemand()
    assert shared.get(JobTools) is shared.get(JobTools)
