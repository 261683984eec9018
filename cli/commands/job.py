"""`trueline job`: one job with its tasks, now or live."""

import click

from cli.context import client, json_option
from cli.exits import UNFINE_ENDS, Exit


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--follow", is_flag=True, help="Print its events as they come, to its end.")
@json_option
def command(*, job_id: str, follow: bool, as_json: bool) -> int:
    """Show the job ID with its tasks. Exits with 3 when the job failed."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time
    from cli.following import follow_job, print_errors, print_network  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_json, print_problem, state, task_line, text  # noqa: PLC0415 - start-up time

    console = make_console()
    job_id = address_part(job_id)
    with client() as api:
        if follow and not as_json:
            api.get(f"/jobs/{job_id}")
            follow_job(api, job_id, console)
        job = api.wait(job_id) if follow else api.get(f"/jobs/{job_id}")
        tasks = api.items(f"/jobs/{job_id}/tasks", most=10_000)
    if as_json:
        print_json({**job, "tasks": tasks})
        return _exit(job["status"])
    if not follow:
        for task in tasks:
            console.print(task_line(task), soft_wrap=True)
            print_errors(task, console)
        print_network(job["network"], console)
    console.print(
        f"job {text(job['id'])} of {text(job['deployment_name'])}: {state(job['status'])}"
    )
    print_problem(console, job["error"])
    return _exit(job["status"])


def _exit(status: str) -> Exit:
    return Exit.FAILED if status in UNFINE_ENDS else Exit.FINE
