"""Repositories in which a feature is off although it is wanted."""

from collections.abc import Iterable

from integrations.github.api import MOST_NAMED, Row
from utils.base_runner import TaskContext


def rows_off(ctx: TaskContext, rows: Iterable[Row]) -> list[Row]:
    """Return the rows of repositories that are not on `allowed_without_alerts`."""
    allowed = {name.lower() for name in ctx.config.get("allowed_without_alerts", ())}
    return [
        row for row in rows if row["state"] == "off" and row["repository"].lower() not in allowed
    ]


def mark_off(ctx: TaskContext, rows: Iterable[Row]) -> None:
    """Mark an insight as partial by them: to switch alerts off must not close violations."""
    names = [row["repository"] for row in rows_off(ctx, rows)]
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        ctx.mark_partial(f"switched off in {', '.join(names[:MOST_NAMED])}{more}")
