"""`trueline doctor`: does everything that Trueline needs work here."""

import click

from cli.context import environ, json_option, settings
from cli.exits import Exit


@click.command()
@json_option
def command(*, as_json: bool) -> Exit:
    """Check that everything that Trueline needs works here. Exits with 3 when it doesn't."""
    from cli.checks import run_checks  # noqa: PLC0415 - start-up time
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    console = make_console(stderr=as_json)
    checks = []
    for check in run_checks(settings(), environ()):
        checks.append(check)
        mark = "[green]✓[/]" if check.status == "ok" else "[red]✗[/]"
        detail = text(check.error or check.detail)
        console.print(f"{mark} {check.name:<15} {check.seconds:5.2f} s  {detail}", soft_wrap=True)
        if check.advice:
            console.print(f"  [cyan]next[/] {text(check.advice)}", soft_wrap=True)
    if as_json:
        print_json({"checks": [check.as_json() for check in checks]})
    return Exit.FINE if all(check.status == "ok" for check in checks) else Exit.FAILED
