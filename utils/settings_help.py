"""The flags of a process whose only arguments are settings, with their help."""

import argparse
import sys
from collections.abc import Sequence

from utils.settings import Settings, flag_names
from utils.settings_layers import add_flags

EPILOG = (
    "Flags go before TRUELINE_ variables, and these before the file. "
    "See the settings table in docs/operating.md."
)


def parse_arguments(program: str, about: str, arguments: Sequence[str] | None = None) -> list[str]:
    """Return the arguments for `read_settings`; with --help, print what there is and leave."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help"}.intersection(given):
        parser = argparse.ArgumentParser(prog=program, description=about, epilog=EPILOG)
        told = {name: it.description or "" for name, it in Settings.model_fields.items()}
        add_flags(parser, flag_names(), told)
        parser.parse_args(["--help"])
    return given
