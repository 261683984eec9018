"""Watching one job: each task as it ends, then what was found."""

from collections.abc import Mapping
from textwrap import indent
from typing import Any

from rich.console import Console

from cli.client import Client
from cli.exits import UNFINE_ENDS, Exit, exit_for_run
from cli.render import (
    large_data_line,
    make_console,
    print_json,
    print_problem,
    print_violations,
    shortened,
    state,
    task_line,
    text,
)
from worker.controls import neutralise

MOST_VIOLATIONS = 500
MOST_LINES = 40  # of one piece of output
LONGEST_LINE = 400


def follow_job(api: Client, job_id: str, console: Console) -> None:
    """Print a job's events as they come, to its end."""
    for event in api.follow(job_id):
        print_event(event, console, job_id)


def print_event(event: dict[str, Any], console: Console, job_id: str = "") -> None:
    """Print what a person wants to know of one event."""
    match event["type"]:
        case "started":
            console.print(f"  running on commit {text(str(event['commit'])[:10])}")
        case "stage_one" if event["status"] != "success":
            reason = (event.get("error") or {}).get("reason", event["status"])
            console.print(f"  [red]✗ StageOne[/] {text(reason)}")
        case "environment" if event["state"] == "building":
            console.print("  building the environment ...")
        case "environment":
            console.print(f"  environment built in {float(event['seconds']):.1f} s")
        case "task_finished":
            result = event.get("result") or event
            print_task(result, job_id, console)
        case "progress":
            print_progress(event, console)
        case "network":
            print_network(event, console)
        case "output":
            print_output(event, console)
        case _:
            pass


def print_task(task: Mapping[str, Any], job_id: str, console: Console) -> None:
    """Print how a task ended, with what went wrong in it and where its data is."""
    console.print(task_line(task), soft_wrap=True)
    print_errors(task, console)
    if line := large_data_line(task, job_id):
        console.print(line, soft_wrap=True)


def print_progress(event: Mapping[str, Any], console: Console) -> None:
    """Print how far a running task is."""
    done, total = float(event["done"]), event.get("total")
    share = f"/{float(total):g} ({100 * done / float(total):.0f} %)" if total else ""
    console.print(f"  [dim]…[/] {text(str(event['task']))} {done:g}{share}", soft_wrap=True)


def print_output(event: Mapping[str, Any], console: Console) -> None:
    """Print the beginning of what a child printed; all that was kept stands in its events."""
    lines = str(event["text"]).splitlines()
    stream = text(event["stream"])
    for line in lines[:MOST_LINES]:
        told = text(shortened(line, LONGEST_LINE))
        console.print(f"  [dim]{stream}[/] {told}", soft_wrap=True)
    if len(lines) > MOST_LINES:
        console.print(f"  [dim]{stream}[/] … {len(lines) - MOST_LINES} more lines")


def print_logs(event: Mapping[str, Any], console: Console) -> None:
    """Print what StageOne, or a task that ended, has logged."""
    if event["type"] not in {"stage_one", "task_finished"}:
        return
    ended = event.get("result") or event
    name = ended.get("name", "StageOne")
    for line in ended.get("logs") or ():
        told = text(shortened(line, LONGEST_LINE))
        console.print(f"  [dim]{text(str(name))}[/] {told}", soft_wrap=True)


def print_network(network: Mapping[str, Any] | None, console: Console) -> None:
    """Print what a job declared, reached and was refused; nothing where nobody recorded it."""
    if network:
        hosts = network.get("hosts")
        declared = "nothing" if not hosts else ", ".join(hosts)
        console.print(f"  declared {text(declared)}", soft_wrap=True)
    for row in (network or {}).get("reached", ()):
        host = text(f"{row['host']}:{row['port']}")
        mark = "[green]→[/]" if row["allowed"] else "[red]✗[/]"
        sent, received = row["bytes_sent"], row["bytes_received"]
        count = row["connections"]
        noun = "connection" if count == 1 else "connections"
        told = f"{count} {noun}, {sent} bytes sent, {received} received"
        why = f": {shortened(str(row['reason']))}" if row["reason"] else ""
        word = f"{told if row['allowed'] else 'refused'}{why}"
        console.print(f"  {mark} {host} {text(word)}", soft_wrap=True)


def print_errors(result: Mapping[str, Any], console: Console) -> None:
    """Print what went wrong in a task, with the lines of its traceback."""
    if result["status"] in {"failed", "timeout"}:
        for error in result.get("errors") or ():
            told = neutralise(_beyond_the_reason(str(error).rstrip(), result))
            if told:
                console.print(indent(told, "      "), style="dim", markup=False)


def _beyond_the_reason(error: str, result: Mapping[str, Any]) -> str:
    """Return what an error says beside the task's reason, where that stands in its line in full."""
    reason = str(result.get("reason") or "")
    if not reason or shortened(reason) != reason:
        return error
    return "" if error == reason else error.removeprefix(f"{reason}; ")


def show_outcome(api: Client, job: dict[str, Any], *, fail_on: str | None, as_json: bool) -> Exit:
    """Print how a job ended and its deployment's open violations; return the exit code."""
    violations = api.items(
        "/violations", MOST_VIOLATIONS, deployment=job["deployment_id"], status="open"
    )
    if as_json:
        print_json({"job": job, "violations": violations})
    else:
        _print_outcome(job, violations)
        _say_when_old(api, job)
    return exit_for_run(job["status"], violations, fail_on)


def _print_outcome(job: dict[str, Any], violations: list[dict[str, Any]]) -> None:
    console = make_console()
    console.print(f"job {text(job['id'])}: {state(job['status'])}")
    print_problem(console, job["error"])
    tasks = (job["summary"] or {}).get("tasks", {})
    if tasks.get("failed") or tasks.get("timeout"):
        console.print(f"errors with their advice: trueline job {text(job['id'])}")
    if violations or job["status"] not in UNFINE_ENDS:
        print_violations(console, violations, "open violations")


def _say_when_old(api: Client, job: Mapping[str, Any]) -> None:
    """Tell that the job ran an older commit because the newest one is broken."""
    integration = api.get(f"/integrations/{job['integration']}")
    if job["commit"] is None or integration["state"] != "broken":
        return
    console = make_console()
    console.print(
        f"[yellow]note[/] {text(integration['name'])} is broken at its newest commit; "
        f"this ran the last good one, {text(job['commit'][:10])}",
        soft_wrap=True,
    )
    print_problem(console, integration["problem"])
