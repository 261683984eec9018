from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from utils.notes import Note
from utils.settings import Settings
from worker.api_answers import Grant
from worker.catalogue import Good, Offer, catalogue_of
from worker.current_catalogue import CurrentCatalogue
from worker.execution import Executor, JobEnd, ProcessExecutor
from worker.isolation import Isolation
from worker.job_order import Description, JobOrder, Prepared
from worker.job_run import JobRunner, WorkerIdentity
from worker.outbox import Outbox
from worker.secret_references import SecretReferences
from worker.stop_signal import StopReason, StopSignal

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource, SyncParts

C1 = "1" * 40
NO_REFERENCES = SecretReferences.of(Settings.model_validate({}), {})
Emit = Callable[[dict[str, Any]], None]


def grant(integration: str = "one", **values: Any) -> Grant:
    return Grant.model_validate(
        {
            "job_id": "job-1",
            "attempt": 2,
            "token": "t",
            "kind": "scan",
            "lease_seconds": 30,
            "deployment_id": "d",
            "deployment_name": "d",
            "integration": integration,
            "config": {"secret": "s3cret"},
            "secrets": ["/secret"],
            "commit_wanted": "wanted",
            **values,
        }
    )


class Scripted:
    """An executor that does what a test says: executors are what this module is tested against."""

    def __init__(self, act: Callable[[JobOrder, Emit, StopSignal], JobEnd]) -> None:
        self._act = act

    def run(self, order: JobOrder, prepared: Prepared, emit: Emit, stop: StopSignal) -> JobEnd:
        del prepared
        return self._act(order, emit, stop)

    def describe(self, prepared: Prepared) -> Description:
        raise AssertionError(f"a job asked to describe {prepared}")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


@pytest.fixture
def current(prepare: Callable[[str], Prepared]) -> CurrentCatalogue:
    broken = Offer("broken", C1, None, Note("it broke", "mend it"))
    return CurrentCatalogue(
        catalogue_of(C1, [Offer("one", C1, Good(prepare("one"), "tree", ())), broken])
    )


@pytest.fixture
def runner(current: CurrentCatalogue, outbox: Outbox) -> Callable[[Executor], JobRunner]:
    def make(executor: Executor) -> JobRunner:
        identity = WorkerIdentity("worker-1", Isolation.PROCESS, lambda name: name == "one")
        return JobRunner(current, lambda *_: None, executor, outbox, identity, NO_REFERENCES)

    return make


def reported(outbox: Outbox) -> list[Mapping[str, Any]]:
    return [json.loads(event.payload) for event in outbox.take(1_000, 10**9)]


def test_real_job_is_reported_from_start_to_end(
    small_source: SmallSource,
    sync_parts: Callable[[], SyncParts],
    executor_with: Callable[..., ProcessExecutor],
    outbox: Outbox,
) -> None:
    small_source.put("one")
    commit = small_source.push()
    parts = sync_parts()
    parts.sync.run()
    asked: list[tuple[str, str | None]] = []
    runner = JobRunner(
        parts.current,
        lambda name, wanted: asked.append((name, wanted)),
        executor_with(),
        outbox,
        WorkerIdentity("worker-1", Isolation.PROCESS),
        NO_REFERENCES,
    )

    assert runner.run(grant(), StopSignal()) == "success"

    events = reported(outbox)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    started = events[0]
    assert started["type"] == "started"
    assert started["commit"] == commit
    assert started["environment"] == parts.catalogue.pair("one").environment.key
    assert (started["isolation"], started["worker"]) == ("process", "worker-1")
    assert [event["type"] for event in events[1:]] == [
        "stage_one",
        "task_started",
        "task_finished",
        "job_finished",
    ]
    assert asked == [("one", "wanted")]
    assert parts.current.commits_in_use() == {commit}


def test_order_carries_config_and_the_places_of_its_secrets(
    runner: Callable[[Executor], JobRunner],
) -> None:
    orders: list[JobOrder] = []

    def act(order: JobOrder, _emit: Emit, _stop: StopSignal) -> JobEnd:
        orders.append(order)
        return JobEnd("success")

    runner(Scripted(act)).run(grant(), StopSignal())

    (order,) = orders
    assert (order.job_id, order.attempt, order.integration) == ("job-1", 2, "one")
    assert (order.config, order.secrets) == ({"secret": "s3cret"}, ("/secret",))
    assert order.debug


@pytest.mark.parametrize(
    ("integration", "kind", "word"),
    [
        ("broken", "scan", "it broke"),
        ("unknown", "scan", "not enabled"),
        ("one", "reconcile", "kind 'reconcile'"),
    ],
)
def test_job_that_cannot_run_fails_with_the_reason_and_advice(
    runner: Callable[[Executor], JobRunner],
    outbox: Outbox,
    integration: str,
    kind: str,
    word: str,
) -> None:
    executor = Scripted(lambda *_: JobEnd("success"))

    assert runner(executor).run(grant(integration, kind=kind), StopSignal()) == "failed"

    (event,) = reported(outbox)
    assert (event["type"], event["status"]) == ("job_finished", "failed")
    assert word in event["error"]["reason"]
    assert event["error"]["advice"]


def test_executor_that_crashes_fails_its_job_without_showing_the_inside(
    runner: Callable[[Executor], JobRunner], outbox: Outbox
) -> None:
    def act(_order: JobOrder, _emit: Emit, _stop: StopSignal) -> JobEnd:
        raise ValueError("s3cret")

    assert runner(Scripted(act)).run(grant(), StopSignal()) == "failed"

    last = reported(outbox)[-1]
    assert "ValueError" in last["error"]["reason"]
    assert "s3cret" not in json.dumps(last)


def test_interrupted_job_says_nothing_more(
    runner: Callable[[Executor], JobRunner], outbox: Outbox
) -> None:
    executor = Scripted(lambda *_: JobEnd("interrupted"))

    assert runner(executor).run(grant(), StopSignal()) == "interrupted"

    assert [event["type"] for event in reported(outbox)] == ["started"]


def test_full_outbox_stops_the_job_and_fails_it_with_the_reason(
    current: CurrentCatalogue, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "small.db", limit_bytes=2_000)
    stop = StopSignal()

    def act(_order: JobOrder, emit: Emit, stop: StopSignal) -> JobEnd:
        for _ in range(10):
            emit({"type": "output", "stream": "stdout", "text": "x" * 500})
        return JobEnd(stop.reason or "success")

    identity = WorkerIdentity("worker-1", Isolation.PROCESS)
    runner = JobRunner(current, lambda *_: None, Scripted(act), outbox, identity, NO_REFERENCES)

    assert runner.run(grant(), stop) == "failed"

    assert stop.reason == "interrupted"
    last = reported(outbox)[-1]
    assert last["type"] == "job_finished"
    assert "outbox holds" in last["error"]["reason"]
    outbox.close()


def test_secret_that_a_job_refers_to_reaches_it_and_is_one_of_its_secrets(
    current: CurrentCatalogue, outbox: Outbox, tmp_path: Path
) -> None:
    allowed = tmp_path / "allowed.json"
    allowed.write_text('{"one": ["env:KEY"]}')
    settings = Settings.model_validate({"references_file": allowed})
    orders: list[JobOrder] = []

    def act(order: JobOrder, emit: Emit, _stop: StopSignal) -> JobEnd:
        orders.append(order)
        emit({"type": "job_finished", "status": "success", "error": None})
        return JobEnd("success")

    identity = WorkerIdentity("worker-1", Isolation.PROCESS)
    references = SecretReferences.of(settings, {"KEY": "s3cret"})
    runner = JobRunner(current, lambda *_: None, Scripted(act), outbox, identity, references)
    asked = grant(config={"a": "x", "b": "env:KEY"}, secrets=["/a"], references=["/b"])
    assert runner.run(asked, StopSignal()) == "success"
    assert orders[0].config == {"a": "x", "b": "s3cret"}
    assert orders[0].secrets == ("/a", "/b")


def unreachable(tmp_path: Path) -> SecretReferences:
    (tmp_path / "allowed.json").write_text('{"one": ["vault:kv/**"]}')
    (tmp_path / "token").write_text("t")
    return SecretReferences.of(
        Settings.model_validate(
            {
                "references_file": tmp_path / "allowed.json",
                "vault_addr": "http://127.0.0.1:1",
                "vault_token_file": tmp_path / "token",
            }
        ),
        {},
    )


def never(order: JobOrder, _emit: Emit, _stop: StopSignal) -> JobEnd:
    raise AssertionError(f"it ran without its secrets: {order.job_id}")


@pytest.mark.parametrize("reason", [None, "cancelled", "interrupted"])
def test_job_whose_vault_is_away_does_not_run(
    current: CurrentCatalogue, outbox: Outbox, tmp_path: Path, reason: StopReason | None
) -> None:
    identity = WorkerIdentity("worker-1", Isolation.PROCESS)
    references = unreachable(tmp_path)
    runner = JobRunner(current, lambda *_: None, Scripted(never), outbox, identity, references)
    stop = StopSignal()
    if reason is not None:
        stop.request(reason)
    asked = grant(config={"b": "vault:kv/data/x#y"}, secrets=[], references=["/b"])
    assert runner.run(asked, stop) == (reason or "failed")
    last = reported(outbox)[-1]
    if reason == "interrupted":
        assert last["type"] == "started"
        return
    assert (last["type"], last["status"]) == ("job_finished", reason or "failed")
    if reason is None:
        assert last["cause"] == {"kind": "temporary", "retry_after": None}
        assert "/b" in last["error"]["reason"]
