"""Sees to it that nobody is left out; nothing here ever is."""

from typing import Any

from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="items_are_greeted",
    title="Every item can be greeted",
    description="An item without a name could not be greeted",
    type="insight",
    severity="low",
)
def items_are_greeted(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Greet each item; one without a name is a violation."""
    names = [item["name"] for item in ctx.get_data("list_items")["items"]]
    greetings = [f"{ctx.base('greeting')}, {name}!" for name in names if name]
    return {
        "violation": len(greetings) < len(names),
        "data": {"greetings": greetings},
        "message": " ".join(greetings),
    }
