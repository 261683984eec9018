import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.process_tree import descendants, read_process_table
from worker.launcher import Command, Launcher

RunGuarded = Callable[..., Any]
Eventually = Callable[[Callable[[], object]], None]
# Says that its guard is there, and waits.
WAIT = """
import os, sys, time
sys.path.append(sys.argv[1])
from utils.guard_filter import submit_to_guard
from utils.guard_process import GUARD_FD
from utils.system_calls import prctl
prctl(38, 1)
submit_to_guard(GUARD_FD)
os.write(3, b"ready")
time.sleep(600)
"""


def waiting() -> Command:
    argv = (sys.executable, "-I", "-S", "-c", WAIT, str(Path(__file__).parents[2]))
    return Command(argv, {}, Path("/"), guard={"ports": []})


def guard_below(pid: int) -> int:
    """Return the one process that it has forked before it became what it is."""
    (guard,) = (one.pid for one in descendants(pid, read_process_table()))
    return guard


def test_guard_has_few_privileges_and_no_way_to_the_channels_of_its_sandbox(
    launcher: Launcher,
) -> None:
    running = launcher.spawn(waiting())
    os.set_blocking(running.events, True)
    assert os.read(running.events, 9) == b"ready"
    place = Path(f"/proc/{guard_below(running.pid)}")
    status = dict(line.split(":\t", 1) for line in (place / "status").read_text().splitlines())
    assert int(status["CapEff"], 16) in {0, 1 << 19}
    assert int(status["CapPrm"], 16) in {0, 1 << 19}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "0"
    files = {one.name: str(one.readlink()) for one in (place / "fd").iterdir()}
    assert {files[name] for name in ("0", "1", "2")} == {"/dev/null"}
    others = {target.split(":")[0] for target in files.values() if target != "/dev/null"}
    assert others == {"socket", "anon_inode"}
    running.close()


def test_guard_ends_with_what_it_guards(launcher: Launcher, eventually: Eventually) -> None:
    running = launcher.spawn(waiting())
    os.set_blocking(running.events, True)
    os.read(running.events, 9)
    guard = guard_below(running.pid)
    running.kill()
    running.wait(60)
    eventually(lambda: not Path(f"/proc/{guard}").exists())
    running.close()


def test_guard_of_a_program_that_never_asks_for_it_ends_with_it(
    launcher: Launcher, eventually: Eventually
) -> None:
    running = launcher.spawn(Command(("/bin/true",), {}, Path("/"), guard={"ports": []}))
    assert running.wait(60) is not None
    running.close()
    eventually(lambda: not descendants(launcher.pid, read_process_table()))


def test_whole_of_it_runs_in_a_sandbox(run_guarded: RunGuarded) -> None:
    assert run_guarded("print(json.dumps(os.getpid() < 10))") is True
