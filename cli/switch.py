"""Pausing and resuming a deployment, which differ in one value."""

from cli.context import client


def switch_deployment(deployment: str, *, enabled: bool, as_json: bool) -> None:
    """Set a deployment's `enabled` and say what holds now."""
    from cli.client import address_part  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    with client() as api:
        row = api.send(
            "PATCH", f"/deployments/{address_part(deployment)}", body={"enabled": enabled}
        )
    if as_json:
        print_json(row)
        return
    due = f", next due {row['next_due_at']}" if row["next_due_at"] else ""
    make_console().print(f"{text(row['name'])} is {text(row['state'])}{text(due)}")
