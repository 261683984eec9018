"""Collects what is on the shelf."""

from typing import Any

from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="list_items",
    title="List the items",
    description="Reads the shelf that StageOne opened",
    type="collector",
)
def list_items(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Return every item with its stock."""
    shelf = ctx.base("shelf")
    items = [{"name": name, "stock": stock} for name, stock in shelf.items()]
    ctx.add_log(f"the shelf holds {', '.join(shelf)}")
    return {"data": {"items": items}, "message": f"{len(items)} items on the shelf"}
