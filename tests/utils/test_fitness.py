import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# A process of its own: the one that runs the tests may have threads and descriptors of others.
PROGRAM = """
import json, os, signal, subprocess, threading
from utils.fitness import look_at_footing, unfit_reason

{earlier}
before = look_at_footing()
{imported}
print(json.dumps(unfit_reason(before)), flush=True)
os._exit(0)
"""


def reason_after(imported: str, folder: Path, earlier: str = "") -> str | None:
    program = PROGRAM.format(imported=textwrap.dedent(imported), earlier=textwrap.dedent(earlier))
    end = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert end.stdout, end.stderr
    reason: str | None = json.loads(end.stdout)
    return reason


def test_process_that_only_computed_is_fit(tmp_path: Path) -> None:
    assert reason_after("sum(range(10))", tmp_path) is None


@pytest.mark.parametrize(
    ("imported", "reason"),
    [
        (
            "threading.Thread(target=threading.Event().wait, name='ticker', daemon=True).start()",
            "it starts a thread when it is imported: ticker",
        ),
        (
            """
            import _thread
            _thread.start_new_thread(threading.Event().wait, ())
            """,
            "it starts a thread when it is imported: (one without a name)",
        ),
        (
            """
            nothing = subprocess.DEVNULL
            child = subprocess.Popen(['/bin/sleep', '5'], stdout=nothing, stderr=nothing)
            """,
            "it leaves 1 child process(es) when it is imported",
        ),
        (
            """
            import socket
            pair = socket.socketpair()
            """,
            "it leaves a connection or socket open when it is imported",
        ),
    ],
    ids=["thread", "bare thread", "child", "socket"],
)
def test_what_a_fork_would_share_is_named(tmp_path: Path, imported: str, reason: str) -> None:
    assert reason_after(imported, tmp_path) == reason


def test_file_that_stays_open_is_named(tmp_path: Path) -> None:
    reason = reason_after("file = open('kept', 'w')", tmp_path)
    assert reason == f"it leaves {tmp_path / 'kept'} open when it is imported"


def test_descriptor_that_leads_elsewhere_is_seen(tmp_path: Path) -> None:
    earlier = "one, other = (os.open(name, os.O_CREAT | os.O_WRONLY) for name in ('one', 'other'))"
    reason = reason_after("os.dup2(other, one)", tmp_path, earlier)
    assert "/other open" in str(reason)


@pytest.mark.parametrize("name", ["signal.signal", "os.fork", "threading.Thread"])
def test_replaced_function_is_seen(tmp_path: Path, name: str) -> None:
    reason = reason_after(f"{name} = lambda *_: None", tmp_path)
    assert "replaces functions of os" in str(reason)
