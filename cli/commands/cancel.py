"""`trueline cancel`: end a job."""

import click

from cli.context import client, json_option


@click.command()
@click.argument("job_id", metavar="ID")
@json_option
def command(*, job_id: str, as_json: bool) -> None:
    """Cancel the job ID; a running one is stopped by its worker."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    with client() as api:
        job = api.post(f"/jobs/{address_part(job_id)}/cancel")
    if as_json:
        print_json(job)
        return
    ended = job["finished_at"] is not None
    word = job["status"] if ended else "being stopped by its worker"
    make_console().print(f"job {text(job['id'])} is {text(word)}")
