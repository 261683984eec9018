"""`trueline data`: what a task returned as its data, however large."""

import sys
from pathlib import Path

import click

from cli.context import client, json_option


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("task")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; left out: standard output.",
)
@json_option
def command(*, job_id: str, task: str, output: Path | None, as_json: bool) -> None:
    """Write the data of the job ID's TASK: one JSON document, with --json or without."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time

    del as_json
    with client() as api:
        pieces = api.stream(f"/jobs/{address_part(job_id)}/tasks/{address_part(task)}/data")
        first = next(pieces, b"")  # a problem leaves an older file as it is
        file = sys.stdout.buffer if output is None else output.open("wb")
        try:
            file.write(first)
            file.writelines(pieces)
        finally:
            file.flush()
            if output is not None:
                file.close()
