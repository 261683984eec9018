import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from utils import events
from utils.events import EventChannel, write_whole


def test_a_write_larger_than_the_pipe_arrives_whole() -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    content = os.urandom(1_000_000)
    received = bytearray()

    def read() -> None:
        while chunk := os.read(reader, 65536):
            received.extend(chunk)

    thread = threading.Thread(target=read)
    thread.start()
    write_whole(writer, content)
    os.close(writer)
    thread.join(60)
    os.close(reader)
    assert bytes(received) == content


SENDS = """\
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from utils.events import EventChannel

os.dup2(1, 9)
os.set_blocking(9, False)
channel = EventChannel(9)
channel.send({"type": "output", "text": "line 1\\nline 2 \\u2028 \\u00e9" + "x" * 200_000})
command = ["/bin/sh", "-c", "echo no >&9"]
started = subprocess.run(command, stderr=subprocess.DEVNULL, close_fds=False)
copy = os.fork()
if not copy:
    try:
        os.write(9, b"no")
    except OSError:
        os._exit(7)
    os._exit(0)
forked = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
channel.send_result('{"a":1}')
channel.send({"started": started.returncode != 0, "forked": forked})
"""


def test_events_are_lines_that_only_the_child_itself_can_write() -> None:
    repository = Path(__file__).parents[2]
    command = [sys.executable, "-I", "-X", "utf8", "-c", SENDS, str(repository)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True)
    first, second, third, rest = ended.stdout.split(b"\n")
    assert json.loads(first)["text"].startswith("line 1\nline 2 \u2028 é")
    assert json.loads(second) == {"type": "task_finished", "result": {"a": 1}}
    assert json.loads(third) == {"started": True, "forked": 7}
    assert rest == b""


def test_small_events_of_threads_do_not_mix_with_large_ones() -> None:
    reading, writing = os.pipe()
    channel = EventChannel(writing)
    stop = threading.Event()

    def mention() -> None:
        while not stop.is_set():
            channel.mention({"type": "progress", "task": "t"})

    def write() -> None:
        for _ in range(20):
            channel.send({"type": "large", "text": "x" * 300_000})
        stop.set()

    threads = [threading.Thread(target=mention) for _ in range(4)]
    threads.append(threading.Thread(target=write))
    for thread in threads:
        thread.start()

    def close() -> None:
        for thread in threads:
            thread.join()
        channel.close()

    closer = threading.Thread(target=close)
    closer.start()
    with os.fdopen(reading, "rb") as file:
        kinds = [json.loads(line)["type"] for line in file]
    closer.join()
    assert kinds.count("large") == 20
    channel.mention({"type": "progress"})


def test_a_lock_that_is_held_for_ever_does_not_stop_the_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "HELD_SECONDS", 0.01)
    reading, writing = os.pipe()
    channel = EventChannel(writing)
    channel._lock.acquire()
    channel.mention({"type": "progress"})
    channel.send({"type": "finished"})
    channel.close()
    with os.fdopen(reading, "rb") as file:
        assert file.read() == b'{"type":"finished"}\n'
