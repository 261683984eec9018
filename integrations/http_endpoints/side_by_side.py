"""Looks at many URLs at once: each look waits for a server most of its time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from integrations.http_endpoints.endpoint import Endpoint

AT_ONCE = 16
T = TypeVar("T")


def look_at_all(endpoints: Sequence[Endpoint], look: Callable[[Endpoint], T]) -> list[T]:
    """Return what `look` returns for each, in their order."""
    contexts = [copy_context() for _ in endpoints]  # the task's deadline is in them
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return list(pool.map(lambda context, one: context.run(look, one), contexts, endpoints))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
