"""Finds the items that are about to run out: one violation each."""

from typing import Any

from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="stock_is_enough",
    title="Every item is in stock",
    description="Items with fewer pieces than min_stock have to be ordered",
    type="insight",
    severity="medium",
    depends_on=("list_items",),
)
def stock_is_enough(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Return each item below the smallest stock as a resource of its own."""
    min_stock = ctx.config.get("min_stock", 5)
    low = [item for item in ctx.get_data("list_items")["items"] if item["stock"] < min_stock]
    return {
        "data": {"min_stock": min_stock, "low": len(low)},
        "message": f"items below {min_stock} pieces: {len(low)}",
        "resources": [
            {
                "id": item["name"],
                "message": f"{item['stock']} left of {item['name']}, at least {min_stock} wanted",
                "severity": "high" if item["stock"] == 0 else "medium",
                "data": item,
            }
            for item in low
        ],
    }
