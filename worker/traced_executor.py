"""Spans of jobs and their tasks, made of the events that an executor emits."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from utils.tracing import Span, Tracing
from worker.execution import Executor
from worker.job_order import Description, JobEnd, JobOrder, Prepared
from worker.stop_signal import StopSignal

Emit = Callable[[dict[str, Any]], None]


class TracedExecutor:
    """An executor whose jobs are spans; the child is told its job's place in the trace."""

    def __init__(self, executor: Executor, tracing: Tracing) -> None:
        self._executor = executor
        self._tracing = tracing

    def run(self, order: JobOrder, prepared: Prepared, emit: Emit, stop: StopSignal) -> JobEnd:
        """Run one attempt; see Executor."""
        name = f"job {order.integration}"
        span = self._tracing.start(name, order.traceparent or None, kind="consumer")
        tasks = _Tasks(self._tracing, span)

        def emit_and_trace(event: dict[str, Any]) -> None:
            tasks.hear(event)
            emit(event)

        said: dict[str, str | int] = {"trueline.job_id": order.job_id}
        said |= {"trueline.attempt": order.attempt, "trueline.integration": order.integration}
        status = "interrupted"
        try:
            told = replace(order, traceparent=span.traceparent or "")
            end = self._executor.run(told, prepared, emit_and_trace, stop)
            status = end.status
            return end
        finally:
            tasks.end()
            failed = None if status in {"success", "partial"} else status
            span.end({**said, "trueline.status": status}, error=failed)

    def describe(self, prepared: Prepared) -> Description:
        """Return the integration's tasks; see Executor."""
        return self._executor.describe(prepared)


class _Tasks:
    """The spans of a job's tasks; several may run at once."""

    def __init__(self, tracing: Tracing, job: Span) -> None:
        self._tracing = tracing
        self._job = job
        self._spans: dict[str, Span] = {}

    def hear(self, event: Mapping[str, Any]) -> None:
        if event["type"] == "task_started":
            name = str(event["task"])
            self._spans[name] = self._tracing.start(f"task {name}", self._job.traceparent)
        elif event["type"] == "task_finished":
            self._finish(event["result"])

    def end(self) -> None:
        for span in self._spans.values():
            span.end(error="interrupted")
        self._spans.clear()

    def _finish(self, result: Mapping[str, Any]) -> None:
        span = self._spans.pop(result["name"], None)
        if span is None:  # it never ran
            return
        said = {name: result.get(name) for name in ("type", "status", "verdict")}
        failed = None if result["status"] == "success" else str(result["status"])
        span.end({f"trueline.{name}": it for name, it in said.items() if it}, error=failed)
