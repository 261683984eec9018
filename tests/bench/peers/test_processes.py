import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.peers.processes import PeerUnavailable, Processes, answers, free_port
from utils.process_tree import read_process

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path, PROGRAMS)


def test_a_failed_command_is_told_with_its_last_words(processes: Processes) -> None:
    with pytest.raises(PeerUnavailable, match="ended with code 3: no such thing"):
        processes.run(sys.executable, "-c", "print('no such thing'); raise SystemExit(3)")


def test_a_server_that_ends_is_told_with_its_last_words(processes: Processes) -> None:
    processes.start(sys.executable, "-c", "raise SystemExit('port taken')")
    with pytest.raises(PeerUnavailable, match="ended with code 1: port taken"):
        processes.wait_until(lambda: False, 30, "it")


def test_waiting_has_an_end(processes: Processes) -> None:
    with pytest.raises(PeerUnavailable, match="it was not ready within 0 s"):
        processes.wait_until(lambda: False, 0, "it")


def test_processes_get_a_scrubbed_environment_and_what_was_set(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    processes.set_environment({"GIVEN": "y"})
    code = (
        "import os; names = ('SECRET', 'GIVEN', 'HOME');"
        "open('seen', 'w').write(repr([os.getenv(name) for name in names]))"
    )
    processes.run(sys.executable, "-c", code)
    assert (tmp_path / "seen").read_text() == repr([None, "y", str(tmp_path)])


def test_daemons_end_with_the_process_that_measures(tmp_path: Path) -> None:
    program = f"""
import ctypes, pathlib, sys, time
from bench.peers.processes import Processes
from utils.supervisor import become_subreaper

become_subreaper(ctypes.CDLL(None).prctl)
processes = Processes(pathlib.Path({str(tmp_path)!r}), pathlib.Path({str(PROGRAMS)!r}))
daemon = '''
import os, pathlib, signal, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path("half").write_text(str(os.getpid()))
os.rename("half", "pid")
time.sleep(600)
'''
processes.run(sys.executable, "-c", daemon)
processes.wait_until(pathlib.Path({str(tmp_path / "pid")!r}).exists, 30, "the daemon")
processes.end()
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
    assert read_process(int((tmp_path / "pid").read_text())) is None


def test_a_port_that_is_listened_on_answers() -> None:
    assert not answers(free_port())
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert answers(server.getsockname()[1])
