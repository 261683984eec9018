"""`trueline deployments`: what runs, and when."""

import click

from cli.context import client, json_option


@click.command()
@json_option
def command(*, as_json: bool) -> None:
    """List the deployments."""
    from cli.render import make_console, print_json, state, table, text  # noqa: PLC0415 - start-up time

    with client() as api:
        rows = api.items("/deployments", most=10_000)
    if as_json:
        print_json(rows)
        return
    console = make_console()
    if not rows:
        console.print("no deployments yet; make one with `trueline deploy INTEGRATION`")
        return
    columns = ("name", "integration", "state", "schedule", "next due", "problem")
    console.print(
        table(
            columns,
            [
                [
                    text(row["name"]),
                    text(row["integration"]),
                    state(row["state"]),
                    text(
                        f"{row['schedule']} ({row['timezone']})" if row["schedule"] else "on demand"
                    ),
                    text(row["next_due_at"]),
                    text((row["problem"] or {}).get("reason")),
                ]
                for row in rows
            ],
        )
    )
