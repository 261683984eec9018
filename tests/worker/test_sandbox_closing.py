from dataclasses import replace
from pathlib import Path

from worker.sandbox import Sandbox
from worker.sandbox_closing import close_in


def test_sandbox_is_closed_where_that_works() -> None:
    assert close_in(Sandbox.find()).is_closed


def test_sandbox_stays_as_it_is_where_nothing_can_be_closed(tmp_path: Path) -> None:
    bubblewrap = tmp_path / "bwrap"
    bubblewrap.write_text("#!/bin/sh\necho 'no such thing' >&2\nexit 1\n")
    bubblewrap.chmod(0o700)
    for one in (bubblewrap, tmp_path / "absent"):
        assert not close_in(replace(Sandbox.find(), bubblewrap=one)).is_closed
