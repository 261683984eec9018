"""`trueline check`: is a repository of integrations in order, told without running any of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.context import json_option
from cli.exits import Exit

if TYPE_CHECKING:  # only names in annotations
    from cli.check.finding import Finding


@click.command()
@click.argument("path", required=False, default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option(
    "--sarif",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the findings to this file as SARIF 2.1.0.",
)
@json_option
def command(*, path: Path, strict: bool, sarif: Path | None, as_json: bool) -> Exit:
    """Check the integrations of the repository at PATH without running their code.

    PATH may be an integration's folder or one of its files as well. Exits with 1 when there is an
    error.
    """
    from cli.check.checking import check_repository, findings_below  # noqa: PLC0415 - start-up time
    from cli.check.finding import Level  # noqa: PLC0415 - start-up time
    from cli.check.sarif import sarif_text  # noqa: PLC0415 - start-up time
    from cli.reading.repository import find_repository  # noqa: PLC0415 - start-up time

    repository = find_repository(path)
    findings = check_repository(repository)
    inner = path.resolve().relative_to(repository.root).as_posix()
    if inner != ".":
        findings = findings_below(findings, inner)
    if sarif:
        try:
            sarif.write_text(sarif_text(findings), encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"--sarif {sarif}: {error.strerror}.") from error
    errors = sum(finding.rule.level is Level.ERROR for finding in findings)
    _show(findings, errors, as_json=as_json)
    return Exit.VIOLATIONS if errors or (strict and findings) else Exit.FINE


def _show(findings: "list[Finding]", errors: int, *, as_json: bool) -> None:
    from cli.render import make_console, print_json, text  # noqa: PLC0415 - start-up time

    if as_json:
        print_json({"findings": [finding.as_json() for finding in findings]})
        return
    console = make_console()
    for finding in findings:
        style = "red" if finding.rule.level.value == "error" else "yellow"
        console.print(
            f"[bold]{text(finding.path)}:{finding.line}:[/] [{style}]{finding.rule.level}[/] "
            f"\\[{finding.rule.id}] {text(finding.what)}; [dim]{text(finding.rule.why)};[/] "
            f"[cyan]{text(finding.fix)}[/]",
            soft_wrap=True,
        )
    warnings = len(findings) - errors
    console.print(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
