"""`trueline secrets`: the keys that the stored secrets are sealed with, where the API runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cli.context import json_option, settings

if TYPE_CHECKING:  # only names in annotations
    from api.database import Database
    from api.secret_key import Keyring


@click.group()
def command() -> None:
    """Look after the keys of the stored secrets.

    These commands work on the database and the key file themselves: run them where the API runs,
    with its settings. The API may go on meanwhile.
    """


@command.command()
@json_option
def status(*, as_json: bool) -> None:
    """List the keys by their ids: which are here, and how many secrets each has sealed."""
    from api.rotation import key_uses  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - same

    with _opened() as (database, keyring):
        with database.read() as connection:
            uses = key_uses(connection, keyring)
        if as_json:
            print_json({"keys": [asdict(use) for use in uses], "where": keyring.where})
            return
        click.echo(f"keys in {keyring.where}:")
    for use in uses:
        here = "here" if use.available else "MISSING"
        click.echo(f"  {use.id or '(an unnamed one)'}  {here}, {use.sealed_values} secrets")


@command.command()
@json_option
def rotate(*, as_json: bool) -> None:
    """Seal every stored secret with a new key, and drop the old one.

    One that was interrupted is taken up where it stopped.
    """
    from api.rotation import rotate as rotate_keys  # noqa: PLC0415 - start-up time
    from api.secret_key import IN_ENVIRONMENT  # noqa: PLC0415 - same
    from cli.render import print_json  # noqa: PLC0415 - same

    with _opened() as (database, keyring):
        done = rotate_keys(database, keyring)
        by_hand = keyring.file is None
    if as_json:
        print_json(asdict(done))
        return
    how = "taken up again and finished" if done.resumed else "done"
    click.echo(
        f"rotation {how}: {done.resealed} deployments sealed anew with key {done.key_id}; "
        f"no longer needed: {', '.join(done.dropped) or 'none'}"
    )
    if by_hand:
        click.echo(f"now set {IN_ENVIRONMENT} to its first key alone, and restart the APIs")
    click.echo("keep the old key for as long as you keep a backup from before")


@command.command()
@json_option
def key(*, as_json: bool) -> None:
    """Print a new key; nothing is changed."""
    from api.secret_key import new_key  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - same

    made = new_key()
    if as_json:
        print_json({"id": made.id, "key": made.text})
        return
    click.echo(made.text)


@command.command()
@click.argument("key_id", metavar="KEY_ID")
@json_option
def forget(*, key_id: str, as_json: bool) -> None:
    """Give up the key KEY_ID, which is lost for good.

    What it has sealed can never be opened again: set those secrets anew.
    """
    from api.rotation import forget as forget_key  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - same

    with _opened() as (database, keyring):
        forget_key(database, keyring, key_id)
    if as_json:
        print_json({"forgotten": key_id})
        return
    click.echo(f"key {key_id} is given up; PATCH each deployment whose secrets it had sealed")


@contextmanager
def _opened() -> Iterator[tuple["Database", "Keyring"]]:
    from api.database import Database  # noqa: PLC0415 - start-up time
    from api.migrate import check_revision  # noqa: PLC0415 - same
    from api.secret_key import Keyring  # noqa: PLC0415 - same

    given = settings()
    keyring = Keyring.of(given)
    database = Database(given.database)
    try:
        check_revision(database)
        yield database, keyring
    finally:
        database.close()
