"""`trueline new`: a new integration that passes `check` and `test` as it is."""

from pathlib import Path

import click

from cli.context import json_option

EXAMPLE_URL = "https://api.example.com"


@click.command()
@click.argument("name")
@click.option("--title", help="What people read; asked for when left out.")
@click.option("--description", help="One sentence more; asked for when left out.")
@click.option("--base-url", help=f"Where the API is, such as {EXAMPLE_URL}.")
@click.option("--secret/--no-secret", default=None, help="Whether the API wants a token.")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is usual for what is left out.")
@json_option
def command(  # noqa: PLR0913 - one parameter a flag
    *,
    name: str,
    title: str | None,
    description: str | None,
    base_url: str | None,
    secret: bool | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Begin the integration NAME: its folder, its entry in integrations.json and its page."""
    from cli.render import print_json  # noqa: PLC0415 - start-up time
    from cli.scaffold.making import make_integration  # noqa: PLC0415 - start-up time
    from cli.scaffold.wanted import (  # noqa: PLC0415 - start-up time
        Wanted,
        check_name,
        checked_base_url,
        checked_line,
    )

    check_name(name)
    usual = name.replace("_", " ").capitalize()
    title = checked_line("title", _asked("Title", title, usual, yes=yes), 200)
    wanted = Wanted(
        name=name,
        title=title,
        description=checked_line(
            "description",
            _asked("Description", description, f"What {title} tells us.", yes=yes),
            10_000,
        ),
        base_url=checked_base_url(_asked("Base URL", base_url, EXAMPLE_URL, yes=yes)),
        secret=_asked_secret(secret, yes=yes),
    )
    paths = make_integration(Path.cwd(), wanted)
    if as_json:
        print_json({"name": name, "written": paths})
    else:
        _show(name, paths)


def _asked(what: str, given: str | None, usual: str, *, yes: bool) -> str:
    if given is not None or yes:
        return usual if given is None else given
    answer: str = click.prompt(what, default=usual, err=True)
    return answer


def _asked_secret(given: bool | None, *, yes: bool) -> bool:  # noqa: FBT001 - a flag's three states
    if given is not None or yes:
        return True if given is None else given
    return click.confirm("Does it need a token?", default=True, err=True)


def _show(name: str, paths: list[str]) -> None:
    from cli.render import make_console, text  # noqa: PLC0415 - start-up time

    console = make_console()
    for path in paths:
        console.print(f"written: {text(path)}", soft_wrap=True)
    console.print(
        f"[cyan]next:[/] trueline check, then trueline test {name} --faults; "
        f"then make it yours, from integrations/{name}/collectors on",
        soft_wrap=True,
    )
