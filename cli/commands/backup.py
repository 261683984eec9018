"""`trueline backup`: all records in one file, while the API runs."""

from pathlib import Path

import click

from cli.context import settings


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; read FILE and say whether it is whole.")
@click.option("--with-key", is_flag=True, help="Add the key by which secrets can be read.")
def command(*, file: Path, check: bool, with_key: bool) -> None:
    """Write all records to a file, or check such a file.

    The API may run meanwhile. The file is readable for you alone.
    """
    from api.backup import check_backup, write_backup  # noqa: PLC0415 - start-up time
    from api.clock import utc_now  # noqa: PLC0415 - start-up time
    from cli.records import key_file_of, opened  # noqa: PLC0415 - start-up time

    if check:
        contents = check_backup(file)
    else:
        given = settings()
        key_file = key_file_of(given) if with_key else None
        with opened(given) as database:
            contents = write_backup(database, file, utc_now(), key_file)
    header = contents.header
    click.echo(
        f"{file}: {sum(contents.rows.values())} rows of {len(contents.rows)} tables,"
        f" revision {header.revision}, from {header.created_at}, checked"
    )
    if header.with_key:
        click.echo("it holds the key of secrets: keep it as safe as the secrets themselves")
    else:
        click.echo("the key of secrets is not in it: keep a copy of it elsewhere")
