from typing import Any

from integrations.github.switched_off import mark_off, rows_off
from utils.base_runner import TaskContext
from utils.task_context import JobView


def context(**config: Any) -> TaskContext:
    return TaskContext("t", JobView({}, {}, {}, {}, {}), config)


def off(name: str) -> dict[str, Any]:
    return {"repository": name, "state": "off", "reason": "403 disabled", "found": None}


def test_a_repository_on_the_allow_list_may_be_off() -> None:
    ctx = context(allowed_without_alerts=["Acme/Site"])
    rows = [off("acme/site"), off("acme/shop"), off("acme/x") | {"state": "seen"}]
    assert rows_off(ctx, rows) == [off("acme/shop")]
    mark_off(ctx, rows)
    assert ctx.evidence().partial == ("switched off in acme/shop",)


def test_many_are_counted() -> None:
    ctx = context()
    mark_off(ctx, [off(f"acme/{number}") for number in range(7)])
    (reason,) = ctx.evidence().partial
    assert reason.endswith("acme/4 and 2 more")
