"""`trueline integrations`: what is registered, and in which state."""

import click

from cli.context import client, json_option


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """List the integrations and their state."""
    from cli.render import (  # noqa: PLC0415 - start-up time
        make_console,
        print_json,
        print_problem,
        state,
        table,
        text,
    )

    with client() as api:
        rows = api.items("/integrations", most=10_000)
    if as_json:
        print_json(rows)
        return
    console = make_console()
    if not rows:
        console.print("no integrations yet; register those of the source with `trueline init`")
        return
    console.print(
        table(
            ("name", "state", "tasks", "commit", "title"),
            [
                [
                    text(row["name"]),
                    state(row["state"]),
                    str(len(row["tasks"] or [])),
                    text((row["commit"] or "")[:10]),
                    text(row["title"]),
                ]
                for row in rows
            ],
        )
    )
    for row in rows:
        if row["problem"]:
            console.print(f"[red]{text(row['name'])}[/]")
            print_problem(console, row["problem"])
