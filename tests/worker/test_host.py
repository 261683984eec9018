from collections.abc import Callable
from pathlib import Path

from worker.execution import Prepared
from worker.host import enclose_nothing
from worker.launcher import Command


def test_command_is_left_as_it_is_at_level_process(prepare: Callable[..., Prepared]) -> None:
    command = Command(("/bin/true",), {}, Path("/"))
    assert enclose_nothing(command, prepare("misbehaving"), Path("/")) is command
