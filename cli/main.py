"""The entry of the `trueline` command: which commands there are, and how every error ends."""

import errno
import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType

import click

from cli.exits import Exit
from utils import __version__
from utils.errors import SettingsError, TruelineError
from utils.process_variables import take_variables
from utils.suggest import did_you_mean

# Name -> what `trueline --help` says; the code of a command is imported when it is called.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "demo": "Audit this repository once and print what was found.",
        "up": "Run the API and a worker until Ctrl-C.",
        "init": "Register what the source's manifest lists.",
        "integrations": "List the integrations and their state.",
        "deploy": "Create or update a deployment of an integration.",
        "deployments": "List the deployments.",
        "pause": "Pause a deployment's schedule.",
        "resume": "Resume a deployment's schedule.",
        "scan": "Run a deployment's tasks now.",
        "jobs": "List recent jobs.",
        "job": "Show one job, or follow it while it runs.",
        "data": "Write a task's data to a file or to standard output.",
        "cancel": "Cancel a job.",
        "violations": "List violations.",
        "webhooks": "List, add and try webhooks, and see their deliveries.",
        "token": "Issue, list and revoke tokens.",
        "audit": "List who changed what.",
        "list": "List what is in this checkout: tier, tasks, state.",
        "new": "Begin a new integration.",
        "docs": "Write the documentation pages of the integrations.",
        "check": "Check a repository of integrations without running them.",
        "run": "Run an integration from this checkout, without an API.",
        "test": "Run an integration's own tests and play faults on it.",
        "backup": "Write all records to a file, or check such a file.",
        "restore": "Put the records of a backup in place of what there is.",
        "db": "Show, upgrade, downgrade or check the database's schema.",
        "secrets": "Look after the keys of the stored secrets.",
        "settings": "Print every setting in force and where it comes from.",
        "doctor": "Check that everything that Trueline needs works here.",
    }
)

_OPEN = "let this user read and write there, or run this in a copy of the folder"
_OF_THE_PLACE: Mapping[int | None, str] = MappingProxyType(
    {
        errno.EACCES: _OPEN,
        errno.EPERM: _OPEN,
        errno.EROFS: _OPEN,
        errno.ENOSPC: "make room on that disk, then run this again",
        errno.EDQUOT: "make room in your quota, then run this again",
    }
)


class LazyCommands(click.Group):
    """Lists every command without importing any, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, with a suggestion for a near miss."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            hint = did_you_mean(args[0], COMMANDS)
            raise click.UsageError(f"there is no command {args[0]!r}{hint}.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 violations at or over --fail-on, 2 usage, 3 failed run.",
)
@click.version_option(__version__, prog_name="trueline")
def trueline() -> None:
    """Check every system you run with Python from your own Git repository."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code. An error is a sentence with advice, no traceback."""
    environ = take_variables()
    color = False if environ.get("NO_COLOR") else None  # None: where it is a terminal
    try:
        result = trueline.main(arguments, "trueline", standalone_mode=False, obj=environ)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return Exit.INTERRUPTED
    except TruelineError as error:
        _show(error.reason, error.advice, color=color)
        usage = isinstance(error, SettingsError)
        return int(getattr(error, "exit_code", Exit.USAGE if usage else Exit.FAILED))
    except BrokenPipeError:
        sys.stderr.close()
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001 - the edge of this process
        _show(*_told(error), color=color)
        return Exit.FAILED
    return int(result) if isinstance(result, int) else Exit.FINE


def _told(error: Exception) -> tuple[str, str]:
    """Return the reason and the advice of an error that nobody has caught."""
    if isinstance(error, OSError) and error.filename and error.errno in _OF_THE_PLACE:
        return f"{error.filename}: {error.strerror}", _OF_THE_PLACE[error.errno]
    reason = f"unexpected {type(error).__name__}: {error}"
    return reason, "this is a defect of ours: report it with the command that you ran"


def _show(reason: str, advice: str, *, color: bool | None) -> None:
    click.echo(f"{click.style('error:', fg='red')} {reason}", err=True, color=color)
    if advice:
        click.echo(f"{click.style(' next:', fg='cyan')} {advice}", err=True, color=color)


if __name__ == "__main__":
    sys.exit(main())
