"""A job's end of its line, against a server that answers as told, lies, hangs or goes."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from utils import commons
from utils.cache import Cache
from utils.cache_stores import MemoryStore
from utils.commons import Line, LineLost, SharedBuckets, SharedStore
from utils.token_bucket import OwnBuckets, Pace

Answer = Callable[[dict[str, Any]], bytes]


class Server:
    """Answers each request with what `answer` says; b"" closes the line."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.answer: Answer = lambda _request: b"{}\n"
        self.asked: list[dict[str, Any]] = []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        with suppress(OSError), self.ours, self.ours.makefile("rb") as lines:
            for line in lines:
                self.asked.append(json.loads(line))
                said = self.answer(self.asked[-1])
                if not said:
                    return
                self.ours.sendall(said)


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    with suppress(OSError):
        one.theirs.shutdown(socket.SHUT_RDWR)
    one.theirs.close()
    one.thread.join()


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    made = Line(server.theirs.fileno())
    yield made
    if made._socket is not None:
        made._socket.close()


def remembering() -> Answer:
    kept: dict[str, str] = {}

    def answer(request: dict[str, Any]) -> bytes:
        said: dict[str, Any] = {}
        match request["do"]:
            case "set":
                kept[request["key"]] = request["value"]
                said = {"kept": True}
            case "get":
                said = {"value": kept.get(request["key"])}
            case "keys":
                said = {"keys": [key for key in sorted(kept) if key > request["after"]][:2]}
            case "drop":
                said = {"dropped": sum(kept.pop(key, None) is not None for key in request["keys"])}
            case "claim":
                said = {"token": "t"}
            case "reserve":
                said = {"wait": None}
        return json.dumps(said).encode() + b"\n"

    return answer


def test_the_cache_is_that_of_the_server(server: Server, line: Line) -> None:
    server.answer = remembering()
    own = MemoryStore()
    cache = Cache("github", SharedStore(line, own))
    assert cache.get_or_compute("repos:a", lambda: ["dns"], 60) == ["dns"]
    for key in ("repos:b", "repos:c", "other"):
        cache.set(key, key)
    assert cache.get("repos:a") == ["dns"]
    assert cache.drop("repos:*") == 3
    assert (cache.get("repos:a"), cache.get("other")) == (None, "other")
    assert own.get("github:other") is None
    buckets = SharedBuckets(line, OwnBuckets())
    assert buckets.reserve("a" * 64, Pace(), 30) is None


def test_what_is_too_large_is_kept_for_this_job(server: Server, line: Line) -> None:
    server.answer = remembering()
    cache = Cache("github", SharedStore(line, MemoryStore()))
    cache.set("k*", "small")
    large = "x" * (commons.VALUE_BYTES + 1)
    cache.set("k*", large)
    assert cache.get("k*") == large
    cache.set("k*", "small again")
    assert cache.get("k*") == "small again"


@pytest.mark.parametrize("said", [b"", b"no JSON\n"])
def test_a_line_that_is_lost_is_told_once_and_the_job_has_its_own(
    server: Server, line: Line, capsys: pytest.CaptureFixture[str], said: bytes
) -> None:
    server.answer = lambda _request: said
    cache = Cache("github", SharedStore(line, MemoryStore()))
    buckets = SharedBuckets(line, OwnBuckets())
    assert cache.get_or_compute("k", lambda: 1, 60) == 1
    assert cache.get("k") == 1
    assert cache.drop("*") == 1
    waits = [buckets.reserve("a" * 64, Pace(2, 0.001), 0) for _ in range(3)]
    assert waits == [0.0, 0.0, None]
    assert capsys.readouterr().err.count("what jobs share is out of reach") == 1
    assert len(server.asked) == 1


def test_an_error_is_answered_by_the_jobs_own(server: Server, line: Line) -> None:
    server.answer = lambda _request: b'{"error": "no"}\n'
    cache = Cache("github", SharedStore(line, MemoryStore()))
    assert cache.get_or_compute("k", lambda: 1, 60) == 1
    assert cache.get("k") == 1
    assert SharedBuckets(line, OwnBuckets()).reserve("a" * 64, Pace(), 0) == 0


def test_a_server_that_hangs_is_waited_for_once(server: Server, line: Line) -> None:
    hung = threading.Event()
    server.answer = lambda _request: b"{}\n" if hung.wait(30) else b""
    assert line._socket is not None
    line._socket.settimeout(0.05)
    for _ in range(3):
        with pytest.raises(LineLost):
            line.ask("get", key="k")
    hung.set()


def test_a_deadline_within_a_request_leaves_no_answer_to_the_next(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_connection: socket.socket) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(line, "_answer", cut)
    with pytest.raises(KeyboardInterrupt):
        line.ask("get", key="k")
    monkeypatch.undo()
    with pytest.raises(LineLost):
        line.ask("get", key="other")


def test_a_process_that_was_forked_has_its_own(server: Server, line: Line) -> None:
    line._process = os.getpid() + 1
    with pytest.raises(LineLost):
        line.ask("get", key="k")
    assert not server.asked


def test_threads_get_their_own_answers(server: Server, line: Line) -> None:
    server.answer = lambda request: json.dumps({"value": request["key"]}).encode() + b"\n"
    wrong: list[str] = []

    def ask_often(number: int) -> None:
        answers = (line.ask("get", key=str(number))["value"] for _ in range(50))
        wrong.extend(answer for answer in answers if answer != str(number))

    threads = [threading.Thread(target=ask_often, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_descriptor_that_is_none_is_a_lost_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LineLost):
        Line(987_654).ask("get", key="k")
    assert "out of reach" in capsys.readouterr().err
