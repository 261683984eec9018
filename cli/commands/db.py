"""`trueline db`: the schema of the database, for upgrades and for the way back."""

from typing import TYPE_CHECKING

import click

from cli.context import settings

if TYPE_CHECKING:  # the command's help must not wait for SQLAlchemy
    from api.database import Database

ACTIONS = ("revision", "upgrade", "downgrade", "check")


@click.command()
@click.argument("action", type=click.Choice(ACTIONS), metavar="ACTION")
@click.argument("revision", required=False)
def command(*, action: str, revision: str | None) -> None:
    """Show, upgrade, downgrade or check the database's schema.

    The API upgrades it by itself when it starts. ACTION is `revision`, `upgrade`, `check`, or
    `downgrade` with the REVISION to go back to; for that one the API has to be stopped.
    """
    from cli.records import opened  # noqa: PLC0415 - start-up time

    if (action == "downgrade") != (revision is not None):
        raise click.UsageError("`downgrade` needs the revision to go back to, and it alone")
    with opened(settings()) as database:
        click.echo(_act(database, action, revision))


def _act(database: "Database", action: str, target: str | None) -> str:
    from api import migrate  # noqa: PLC0415 - start-up time
    from api.integrity import check_integrity  # noqa: PLC0415 - start-up time

    if action == "check":
        return f"sound: {check_integrity(database)} rows"
    if action == "upgrade":
        return f"at revision {migrate.migrate(database)}"
    if target is not None:
        return f"at revision {migrate.migrate_back(database, target)}"
    with database.read() as connection:
        found = migrate.revision(connection) or "none: the database is empty"
    return f"at revision {found}; this version needs {migrate.newest_revision()}"
