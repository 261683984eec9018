import socket
from pathlib import Path

import pytest

from worker.side_process import start_side_process


def test_it_ends_with_its_socket_and_sees_no_variable_of_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRUELINE_TOKEN", "s3cret")
    ours, theirs = socket.socketpair()
    with theirs:
        options = ("-I", "-S")
        process = start_side_process("launcher_process.serve_launcher", theirs, options=options)
    assert Path(f"/proc/{process.pid}/environ").read_bytes() == b"LANG=C.UTF-8\0"
    assert process.poll() is None
    ours.close()
    assert process.wait(20) == 0
