"""`trueline db`: the schema of the database, for upgrades and for the way back."""

from typing import TYPE_CHECKING, Any

import click

from cli.context import json_option, settings

if TYPE_CHECKING:  # the command's help must not wait for SQLAlchemy
    from api.database import Database

ACTIONS = ("revision", "upgrade", "downgrade", "check")


@click.command()
@click.argument("action", type=click.Choice(ACTIONS), metavar="ACTION")
@click.argument("revision", required=False)
@json_option
def command(*, action: str, revision: str | None, as_json: bool) -> None:
    """Show, upgrade, downgrade or check the database's schema.

    The API upgrades it by itself when it starts. ACTION is `revision`, `upgrade`, `check`, or
    `downgrade` with the REVISION to go back to; for that one the API has to be stopped.
    """
    from cli.records import opened  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - start-up time

    if (action == "downgrade") != (revision is not None):
        raise click.UsageError("`downgrade` needs the revision to go back to, and it alone")
    with opened(settings()) as database:
        told, facts = _act(database, action, revision)
    if as_json:
        print_json(facts)
    else:
        click.echo(told)


def _act(database: "Database", action: str, target: str | None) -> tuple[str, dict[str, Any]]:
    from api import migrate  # noqa: PLC0415 - start-up time
    from api.integrity import check_integrity  # noqa: PLC0415 - start-up time

    if action == "check":
        rows = check_integrity(database)
        return f"sound: {rows} rows", {"rows": rows}
    if action == "upgrade":
        now = migrate.migrate(database)
        return f"at revision {now}", {"revision": now}
    if target is not None:
        now = migrate.migrate_back(database, target)
        return f"at revision {now}", {"revision": now}
    with database.read() as connection:
        found = migrate.revision(connection)
    newest = migrate.newest_revision()
    shown = found or "none: the database is empty"
    told = f"at revision {shown}; this version needs {newest}"
    return told, {"revision": found, "newest": newest}
