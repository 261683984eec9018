"""The tasks of a local run as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from cli.following import print_errors
from cli.render import large_data_line, shortened, state, table, text

COLUMNS = ("task", "status", "verdict", "seconds", "message")


def print_tasks(console: Console, results: Sequence[Mapping[str, Any]]) -> None:
    """Print a row for each task, and what went wrong in it; nothing where there is none."""
    if results:
        console.print(table(COLUMNS, [_row(result) for result in results]))
    for result in results:
        if result["status"] in {"failed", "timeout"} and result["errors"]:
            console.print(f"  {state(result['status'])} {text(result['name'])}")
            print_errors(result, console)
        if line := large_data_line(result, ""):
            console.print(f"  {text(result['name'])}")
            console.print(line, soft_wrap=True)


def _row(result: Mapping[str, Any]) -> list[str]:
    said = result.get("reason") or result.get("message") or ""
    status = "partial" if _is_partial(result) else result["status"]
    return [
        text(result["name"]),
        state(status),
        state(result["verdict"]),
        f"{float(result['duration_seconds']):.2f}",
        text(shortened(str(said))),
    ]


def _is_partial(result: Mapping[str, Any]) -> bool:
    return result["status"] == "success" and bool(result.get("partial"))
