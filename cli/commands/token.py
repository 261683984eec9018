"""`trueline token`: who may do what at the API."""

from pathlib import Path
from typing import Any

import click

from cli.context import json_option, settings

ROLES = ("viewer", "operator", "admin", "worker")
NEVER_USED = "never"


@click.group()
def command() -> None:
    """Issue, list and revoke tokens.

    With TRUELINE_SIGNING_KEY_FILE set it works on the database itself, else at the API as an admin.
    """


@command.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--rotate", is_flag=True, help="Add a key in front; the others go on verifying.")
@click.option("--retire", is_flag=True, help="Remove all keys but the first.")
def key(*, path: Path, rotate: bool, retire: bool) -> None:
    """Make a file with a signing key, for TRUELINE_SIGNING_KEY_FILE."""
    from api.signing_key import (  # noqa: PLC0415 - start-up time
        make_signing_key,
        retire_signing_keys,
        rotate_signing_key,
    )

    if rotate and retire:
        raise click.UsageError("give one of --rotate and --retire, with a start between them.")
    if retire:
        gone = retire_signing_keys(path)
        click.echo(f"{gone} keys removed; start the API again: what they signed is refused then")
    elif rotate:
        kid = rotate_signing_key(path)
        click.echo(f"key {kid} signs from the API's next start on; the older ones still verify")
    else:
        kid = make_signing_key(path)
        click.echo(f"key {kid} is in {path}; set TRUELINE_SIGNING_KEY_FILE to it for the API")


@command.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(1, 3660), help="How long it lasts."
)
@json_option
def create(*, name: str, role: str, days: int, as_json: bool) -> None:
    """Issue a token and print it, this once."""
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time
    from cli.tokens import open_tokens  # noqa: PLC0415 - start-up time

    _check_name(name)
    with open_tokens(settings()) as tokens:
        issued = tokens.create(name, role, days)
    if as_json:
        print_json(issued)
        return
    console = make_console(stderr=True)
    console.print(f"{text(role)} token {text(issued['id'])} of {text(name)}", soft_wrap=True)
    console.print(f"good until {text(issued['expires_at'])}; it is not shown again:")
    click.echo(issued["token"])


@command.command("list")
@json_option
def list_all(*, as_json: bool) -> None:
    """List tokens, newest first."""
    from cli.listing import print_rows  # noqa: PLC0415 - start-up time
    from cli.render import text  # noqa: PLC0415 - start-up time
    from cli.tokens import open_tokens  # noqa: PLC0415 - start-up time

    with open_tokens(settings()) as tokens:
        rows = tokens.read()
    cells = {
        "token": lambda row: text(row["id"]),
        "name": lambda row: text(row["name"]),
        "role": lambda row: text(row["role"]),
        "created": lambda row: text(f"{row['created_at'][:10]} by {row['created_by']}"),
        "until": lambda row: text(_end(row)),
        "used": lambda row: text(row["last_used_at"] or NEVER_USED),
    }
    none = "no tokens; make one with `trueline token create NAME --role ROLE`"
    print_rows(rows, cells, none=none, as_json=as_json)


@command.command()
@click.argument("token_id", metavar="ID")
@json_option
def revoke(*, token_id: str, as_json: bool) -> None:
    """Take a token back, at once and for good."""
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time
    from cli.tokens import open_tokens  # noqa: PLC0415 - start-up time

    with open_tokens(settings()) as tokens:
        revoked = tokens.revoke(token_id)
    if as_json:
        print_json(revoked)
    else:
        make_console().print(f"token of {text(revoked['name'])} revoked", soft_wrap=True)


@command.command()
@click.argument("name")
@json_option
def logout(*, name: str, as_json: bool) -> None:
    """End every session of a person at the web page."""
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time
    from cli.tokens import open_tokens  # noqa: PLC0415 - start-up time

    with open_tokens(settings()) as tokens:
        done = tokens.log_out(name)
    if as_json:
        print_json(done)
    else:
        make_console().print(f"{done['closed']} sessions of {text(name)} ended", soft_wrap=True)


def _check_name(name: str) -> None:
    import re  # noqa: PLC0415 - start-up time

    from api.issued_tokens import NAME  # noqa: PLC0415 - start-up time

    if not re.match(NAME, name):
        raise click.UsageError(
            f"{name!r} is no name of a token: it begins with a letter or digit and has at most 64"
            " letters, digits, dots, dashes and underscores."
        )


def _end(row: dict[str, Any]) -> str:
    return f"revoked {row['revoked_at']}" if row["revoked_at"] else str(row["expires_at"])
