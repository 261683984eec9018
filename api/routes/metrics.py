"""The metrics in Prometheus' formats."""

from flask import Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from api.metrics import registry_of_all
from api.openapi import blueprint
from api.queue_metrics import QueueCollector
from api.routes.workers import known_workers
from api.state import State, current_state

routes = blueprint("metrics", __name__, prefix=None)


@routes.get(
    "/metrics",
    operation_id="read_metrics",
    responses={200: {"description": "in Prometheus' text format", "content": {"text/plain": {}}}},
)
def metrics() -> Response:
    """Tell what is counted."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    state = current_state()
    parts = (_counted(state), _queue(state))
    text = b"".join(encode(registry).removesuffix(b"# EOF\n") for registry in parts)
    end = b"# EOF\n" if content_type.startswith("application/openmetrics-text") else b""
    return Response(text + end, content_type=content_type)


def _counted(state: State) -> CollectorRegistry:
    shared = state.shared_metrics
    return state.metrics.registry if shared is None else registry_of_all(shared)


def _queue(state: State) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(QueueCollector(state, known_workers))
    return registry
