"""`trueline init`: register what the source's manifest lists."""

import click

from cli.context import client, json_option
from cli.exits import Exit


@click.command()
@json_option
def command(*, as_json: bool) -> int:
    """Register what the source's manifest lists.

    Exits with 3 when an entry was rejected; the others are registered all the same.
    """
    from cli.render import make_console, print_json, print_problem, text  # noqa: PLC0415 - start-up time

    with client() as api:
        answer = api.send("POST", "//init-integrations")
    if as_json:
        print_json(answer)
        return Exit.FAILED if answer["rejected"] else Exit.FINE
    console = make_console()
    console.print(f"commit {text(answer['commit'])}")
    for change in ("created", "updated", "unchanged", "disabled"):
        if answer[change]:
            console.print(f"{change:>10}  {text(', '.join(answer[change]))}")
    for rejected in answer["rejected"]:
        console.print(f"[red]  rejected[/]  {text(rejected['name'])}")
        print_problem(console, rejected)
    return Exit.FAILED if answer["rejected"] else Exit.FINE
