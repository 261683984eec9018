"""What jobs share on this machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker.commons import NotShared, Sharing
from worker.egress import OpenWays, WaysOut
from worker.job_order import Limits, Prepared
from worker.launcher import Command, Launcher

# Puts what a command starts into a sandbox where only the folder and what is below is writable.
Enclose = Callable[[Command, Prepared, Path], Command]


def enclose_nothing(command: Command, _prepared: Prepared, _writable: Path) -> Command:
    """Start a command as it is: isolation level `process`."""
    return command


@dataclass(frozen=True)
class Host:
    """The launcher, the limits, the variables passed on, how children are kept apart and get out.

    `confine` is what a warm process's fork is told about that; see `utils.warm_child.Confine`.
    """

    launcher: Launcher
    limits: Limits
    environ: Mapping[str, str] = field(default_factory=dict)
    enclose: Enclose = enclose_nothing
    confine: Mapping[str, Any] = field(default_factory=dict)
    ways: WaysOut = field(default_factory=OpenWays)
    commons: Sharing = field(default_factory=NotShared)
