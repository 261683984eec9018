"""`trueline scan`: run a deployment's tasks now."""

import click

from cli.context import client, json_option
from cli.exits import Exit, fail_on_option


@click.command()
@click.argument("deployment")
@click.option("--wait", is_flag=True, help="Follow the job to its end and show what it found.")
@fail_on_option
@json_option
def command(*, deployment: str, wait: bool, fail_on: str | None, as_json: bool) -> int:
    """Run the tasks of DEPLOYMENT (its name or id) now.

    With --wait, exits with 3 when the job failed.
    """
    from cli.client import address_part  # noqa: PLC0415 - start-up time
    from cli.following import follow_job, show_outcome  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    wait = wait or fail_on is not None
    with client() as api:
        started = api.post(f"/deployments/{address_part(deployment)}/jobs")
        if not wait:
            if as_json:
                print_json(started)
            else:
                make_console().print(f"job {text(started['job_id'])} is {text(started['status'])}")
                make_console().print(f"follow it: trueline job {text(started['job_id'])} --follow")
            return Exit.FINE
        if not as_json:
            follow_job(api, started["job_id"], make_console())
        return show_outcome(api, api.wait(started["job_id"]), fail_on=fail_on, as_json=as_json)
