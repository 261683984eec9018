"""Which tests share a test process: those of a file, or of all that use one running site."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

REPOSITORY = Path(__file__).parents[1]
SHARING = ("tests/bad_input/", "tests/integrations/repository_audit/", "tests/attacks/egress/")
LIVE = ("tests/cli/", "live: ")  # these, with this in their text, share a stack


def group_of(file: str) -> str:
    """Return what a test file (a path in this repository) is in one group with."""
    folder = next((folder for folder in SHARING if file.startswith(folder)), None)
    if folder:
        return folder
    folder, sign = LIVE
    return folder if file.startswith(folder) and sign in (REPOSITORY / file).read_text() else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Scheduling":
    """Start what a group shares once, and not in each test process."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - not without xdist

    class Grouping(LoadFileScheduling):  # type: ignore[misc]  # it ships no types
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return group_of(file)

    return Grouping(config, log)
