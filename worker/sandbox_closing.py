"""Whether a helper can close what bubblewrap leaves open here: tried at a worker's start."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import structlog

import utils
from worker.bubblewrap import View, bubblewrap_arguments
from worker.interpreter_folders import interpreter_folders
from worker.sandbox import Sandbox, run_trial

SDK = Path(utils.__file__).parent
# As the launcher does it.
_OUTSIDE = """
import os, sys
sys.path.append(sys.argv[1])
from utils.sandbox_closer import start_closer
start_closer()
os.execv(sys.argv[2], sys.argv[2:])
"""
# A process that is not dumpable, as a job's are, does not show; its parent must find it yet.
_INSIDE = """
import os, signal, sys
sys.path.append(sys.argv[1])
from utils.confinement import await_closed
from utils.sandbox_closer import CLOSER_FD
from utils.system_calls import prctl
await_closed(CLOSER_FD)
prctl(4, 0)
pid = os.fork()
if pid == 0:
    signal.pause()
seen = os.path.exists(f"/proc/{pid}")
found = str(pid) in open("/proc/thread-self/children").read().split()
os.kill(pid, signal.SIGKILL)
print("closed" if found and not seen else "processes show, or are not found")
"""

log = structlog.get_logger()


def close_in(sandbox: Sandbox) -> Sandbox:
    """Return the sandbox that a helper closes; where that does not work, as it was."""
    reason = _trial(sandbox)
    if reason is None:
        return replace(sandbox, is_closed=True)
    log.warning(
        "jobs of one integration see the command lines of each other's programs",
        reason=reason,
        advice="use Linux 5.8 or newer; or set TRUELINE_WARM_PROCESSES=0",
    )
    return sandbox


def _trial(sandbox: Sandbox) -> str | None:
    """Say what does not hold; None when all does."""
    python = Path(sys.executable)
    view = View((*interpreter_folders(python), SDK), ())
    options = bubblewrap_arguments(view, Path("/"), sandbox.namespaces)
    command = [str(python), "-I", "-S", "-c", _INSIDE, str(SDK.parent)]
    enclosed = [str(sandbox.bubblewrap), *options, *command]
    try:
        outside = (python, "-I", "-S", "-c", _OUTSIDE, str(SDK.parent))
        end = run_trial((*outside, *enclosed))
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (end.stdout or end.stderr).decode("utf-8", "replace").strip().splitlines()
    last = said[-1] if said else f"code {end.returncode}"
    return None if last == "closed" else last
