from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.otlp import Receiver, receiving_spans
from utils.tracing import NoTracing, start_tracing
from worker.execution import Description, JobEnd, JobOrder, Prepared
from worker.stop_signal import StopSignal
from worker.traced_executor import TracedExecutor

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ORDER = JobOrder("job-1", 2, "dns", {}, traceparent=f"00-{TRACE}-{SPAN}-01")
Emit = Callable[[dict[str, Any]], None]


class Scripted:
    """An executor that emits what a test says."""

    def __init__(self, events: list[dict[str, Any]], end: JobEnd | None) -> None:
        self._events = events
        self._end = end
        self.order: JobOrder | None = None

    def run(self, order: JobOrder, prepared: Prepared, emit: Emit, stop: StopSignal) -> JobEnd:
        del prepared, stop
        self.order = order
        for event in self._events:
            emit(event)
        if self._end is None:
            raise RuntimeError
        return self._end

    def describe(self, prepared: Prepared) -> Description:
        del prepared
        return Description(({"name": "look"},))


def finished(name: str, status: str = "success") -> dict[str, Any]:
    result = {"name": name, "type": "insight", "status": status, "verdict": None}
    return {"type": "task_finished", "result": result}


def run(scripted: Scripted, prepared: Any = None) -> tuple[Receiver, list[dict[str, Any]]]:
    emitted: list[dict[str, Any]] = []
    with receiving_spans() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        tracing = start_tracing("trueline-worker", {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        try:
            TracedExecutor(scripted, tracing).run(ORDER, prepared, emitted.append, StopSignal())
        except RuntimeError:
            emitted.append({"type": "raised"})
        tracing.stop()
    return receiver, emitted


def test_a_job_and_its_tasks_are_spans_below_the_request_that_asked_for_it() -> None:
    events = [
        {"type": "task_started", "task": "a"},
        {"type": "task_started", "task": "b"},
        finished("b"),
        finished("a", "timeout"),
        finished("never", "skipped"),
    ]
    scripted = Scripted(events, JobEnd("partial"))
    receiver, emitted = run(scripted)
    assert emitted == events
    (job,) = receiver.named("job dns")
    (a,), (b,) = receiver.named("task a"), receiver.named("task b")
    assert (job.trace_id, job.parent_id, job.failed) == (TRACE, SPAN, False)
    assert job.attributes["trueline.job_id"] == "job-1"
    assert {a.parent_id, b.parent_id} == {job.span_id}
    assert (a.failed, b.failed) == (True, False)
    assert len(receiver.spans) == 3
    assert scripted.order
    assert scripted.order.traceparent == f"00-{TRACE}-{job.span_id}-01"


def test_a_job_that_breaks_off_ends_its_spans() -> None:
    receiver, emitted = run(Scripted([{"type": "task_started", "task": "a"}], None))
    assert [event["type"] for event in emitted] == ["task_started", "raised"]
    assert all(span.failed for span in receiver.spans)
    assert receiver.named("job dns")[0].attributes["trueline.status"] == "interrupted"


def test_without_traces_everything_passes_through() -> None:
    scripted = Scripted([finished("a")], JobEnd("success"))
    prepared: Any = None
    traced = TracedExecutor(scripted, NoTracing())
    assert traced.run(ORDER, prepared, lambda _: None, StopSignal()) == JobEnd("success")
    assert scripted.order == ORDER
    assert traced.describe(prepared).tasks
