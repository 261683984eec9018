"""How the command shows things: one console, tables, and a mark for each state."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from worker.controls import as_json_escapes, neutralise

PLAIN_WIDTH = 140  # where there is no terminal to ask

MARKS: Mapping[str, tuple[str, str]] = {
    "pass": ("✓", "green"),
    "success": ("✓", "green"),
    "ready": ("✓", "green"),
    "fail": ("✗", "red"),
    "failed": ("✗", "red"),
    "broken": ("✗", "red"),
    "unknown": ("?", "yellow"),
    "partial": ("~", "yellow"),
    "timeout": ("✗", "red"),
    "skipped": ("-", "yellow"),
    "cancelled": ("-", "yellow"),
}
VIOLATION_COLUMNS = ("severity", "deployment", "insight", "resource", "what")
GLANCE = 110  # characters of a message beside a task
IDS = frozenset({"job", "name", "deployment", "insight"})
STAGE_ONE = "StageOne did not succeed"
NO_MARK = ("•", "default")
SEVERITY_STYLES: Mapping[str, str] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
}


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that honours NO_COLOR and is wide where output is no terminal."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(as_json_escapes(json.dumps(value, indent=2, ensure_ascii=False)))


def state(word: str | None) -> str:
    """Return a state with its mark and colour, as console markup."""
    if word is None:
        return ""
    mark, style = MARKS.get(word, NO_MARK)
    return f"[{style}]{mark} {escape(word)}[/]"


def severity(word: str | None) -> str:
    """Return a severity in its colour, as console markup."""
    return f"[{SEVERITY_STYLES.get(word, 'default')}]{escape(word)}[/]" if word else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of markup cells; long ones fold, ids stay whole so that they can be copied."""
    made = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in IDS, header_style="dim")
    for row in rows:
        made.add_row(*row)
    return made


def text(value: Any) -> str:
    """Return a value as one safe line of markup, that cannot steer a terminal either."""
    if value is None:
        return ""
    return escape(neutralise(" ".join(str(value).split())))


def shortened(line: str, most: int = GLANCE) -> str:
    """Return a line cut to what is read at a glance; the whole stands in `trueline job ID`."""
    return line if len(line) <= most else f"{line[: most - 1]}…"


def violation_rows(violations: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return the cells of VIOLATION_COLUMNS for each violation."""
    return [
        [
            severity(row["severity"]),
            text(row["deployment_name"]),
            text(row["task"]),
            text(row["resource_id"]),
            text(shortened(str(row["message"] or ""))),
        ]
        for row in violations
    ]


def print_violations(console: Console, violations: Sequence[Mapping[str, Any]], kind: str) -> None:
    """Print a table of violations under a line that counts them; `kind` names them."""
    if not violations:
        console.print(f"no {kind}")
        return
    console.print(f"[bold]{len(violations)} {kind if len(violations) > 1 else kind[:-1]}[/]")
    rows = violation_rows(violations)
    columns: tuple[str, ...] = VIOLATION_COLUMNS
    if len({violation["status"] for violation in violations}) > 1:
        columns = ("status", *columns)
        rows = [
            [state(violation["status"]), *row]
            for violation, row in zip(violations, rows, strict=True)
        ]
    console.print(table(columns, rows))


def print_problem(console: Console, problem: Mapping[str, Any] | None) -> None:
    """Print what is wrong and what to do now; nothing where there is no problem."""
    if problem:
        console.print(f"  [red]why[/]  {text(problem.get('reason'))}", soft_wrap=True)
        console.print(f"  [cyan]next[/] {text(problem.get('advice'))}", soft_wrap=True)


def task_line(task: Mapping[str, Any]) -> str:
    """Return one finished task as a line of markup: mark, name, duration, message."""
    word = str(task.get("verdict") or task["status"])
    mark, style = MARKS.get(word, NO_MARK)
    seconds = float(task.get("duration_seconds") or 0)
    why = shortened(str(task.get("reason") or task.get("message") or ""))
    if why.startswith(STAGE_ONE):
        why = STAGE_ONE  # why it failed stands above, once
    name = text(task["name"]).ljust(24)
    return f"  [{style}]{mark} {word:<8}[/] {name} {seconds:6.2f} s  {text(why)}"


def large_data_line(task: Mapping[str, Any], job_id: str) -> str | None:
    """Return how large a task's data is and how to get it; None where it stands in the result."""
    large = task.get("large_data")
    if not large:
        return None
    place = f"trueline data {job_id} {task['name']}" if job_id else large.get("file", "")
    return f"      [dim]data: {decimal(int(large['size_bytes']))}; {text(place)}[/]"
