"""`trueline restore`: the records of a backup in place of what there is."""

from pathlib import Path

import click

from cli.context import json_option, settings


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Lose the records that are there now.")
@json_option
def command(*, file: Path, replace: bool, as_json: bool) -> None:
    """Put the records of a backup in place of what there is.

    The API has to be stopped. It is all or nothing; jobs that were running wait for a worker again.
    """
    from api.clock import utc_now  # noqa: PLC0415 - start-up time
    from api.restore import restore_backup  # noqa: PLC0415 - start-up time
    from api.secret_key import DEFAULT_FILE  # noqa: PLC0415 - start-up time
    from cli.records import key_file_of, opened  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - start-up time
    from utils.files import make_data_directory, private_files  # noqa: PLC0415 - start-up time

    given = settings()
    key_file = given.data_dir / DEFAULT_FILE if given.secret_key else key_file_of(given)
    with private_files():
        make_data_directory(given.data_dir)
        with opened(given) as database:
            done = restore_backup(database, file, key_file, utc_now(), replace=replace)
    if as_json:
        rows = dict(done.contents.rows)
        print_json({"rows": rows, "revision": done.revision, "jobs_requeued": done.jobs_requeued})
        return
    click.echo(
        f"restored {sum(done.contents.rows.values())} rows of {done.contents.header.created_at},"
        f" now at revision {done.revision}; {done.jobs_requeued} running jobs wait again"
    )
    if not (given.secret_key or key_file.exists()):
        click.echo(f"put the key of secrets back to {key_file} before you start the API")
