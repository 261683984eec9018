"""`trueline docs`: the documentation page of each integration, made from its files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.context import json_option
from cli.exits import Exit

if TYPE_CHECKING:  # only names in annotations
    from cli.pages.page import Page


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a page is stale.")
@json_option
def command(*, names: tuple[str, ...], check: bool, as_json: bool) -> Exit:
    """Write docs/integrations/NAME.md of the integrations named, or of all.

    What people wrote between the prose marks of a page is kept.
    """
    from cli.pages.writing import pages_of, write_page  # noqa: PLC0415 - start-up time
    from cli.reading.repository import find_repository  # noqa: PLC0415 - start-up time
    from cli.render import print_json  # noqa: PLC0415 - start-up time

    stale = []
    for page in pages_of(find_repository(Path.cwd()), names, dated=not check):
        if page.is_stale:
            stale.append(page)
            if not check:
                write_page(page)
    if as_json:
        print_json({"stale" if check else "written": [page.shown for page in stale]})
    else:
        _show(stale, check=check)
    return Exit.VIOLATIONS if check and stale else Exit.FINE


def _show(pages: "list[Page]", *, check: bool) -> None:
    from cli.render import make_console, text  # noqa: PLC0415 - start-up time

    console = make_console()
    for page in pages:
        said = "missing" if page.present is None else "stale"
        console.print(f"{said if check else 'written'}: {text(page.shown)}", soft_wrap=True)
    if check and pages:
        console.print("[cyan]next:[/] run `trueline docs` and commit what it writes")
    if not pages:
        console.print("every page is fresh")
