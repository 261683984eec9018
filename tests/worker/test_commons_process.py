import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from worker import commons_process
from worker.commons_file import Whose
from worker.commons_process import NONSENSE, Commons, LineDesk
from worker.commons_shared import MachineShared

WHOSE = Whose("first", "a")


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[MachineShared]:
    one = MachineShared(tmp_path / "cache.sqlite")
    yield one
    one.close()


async def ask(desk: LineDesk, **request: Any) -> dict[str, Any]:
    return await desk.answer(json.dumps(request).encode())


def test_each_request_has_its_answer(shared: MachineShared) -> None:
    desk = LineDesk(shared, WHOSE)
    limits = {"capacity": 1, "refill": 0.1, "longest": 0}

    async def course() -> None:
        assert await ask(desk, do="set", key="k", value="v", ttl=60) == {"kept": True}
        assert await ask(desk, do="get", key="k") == {"value": "v"}
        assert await ask(desk, do="keys", after="") == {"keys": ["k"]}
        assert await ask(desk, do="drop", keys=["k"]) == {"dropped": 1}
        for wait in (0.0, None):
            assert await ask(desk, do="reserve", name="a" * 64, **limits) == {"wait": wait}
        token = (await ask(desk, do="claim", key="k", seconds=60))["token"]
        assert await ask(desk, do="claim", key="k", seconds=60) == {"token": None}
        assert await ask(desk, do="release", key="k", token=token) == {}
        assert (await ask(desk, do="claim", key="k", seconds=60))["token"]
        assert await desk.answer(b"\xff\n") == NONSENSE

    asyncio.run(course())


def test_a_line_claims_so_much_and_gives_it_back_when_it_goes(
    shared: MachineShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_process, "MOST_CLAIMS", 2)
    first, second = LineDesk(shared, WHOSE), LineDesk(shared, WHOSE)

    async def course() -> None:
        tokens = [(await ask(first, do="claim", key=key, seconds=60))["token"] for key in "abc"]
        assert [token is None for token in tokens] == [False, False, True]
        assert (await ask(second, do="claim", key="a", seconds=60))["token"] is None
        await first.close()
        assert (await ask(second, do="claim", key="a", seconds=60))["token"]

    asyncio.run(course())


def test_a_flood_on_one_line_holds_up_no_other(shared: MachineShared) -> None:
    times = 100

    async def course() -> int:
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        serving = asyncio.create_task(Commons(shared).serve(theirs))
        lines = []
        for request in (b"\n" * times, b'{"do": "get", "key": "k"}\n'):
            line, far = socket.socketpair()
            line.sendall(request)
            with far:
                socket.send_fds(control, [json.dumps(WHOSE._asdict()).encode()], [far.fileno()])
            lines.append(line)
        flood, other = lines
        reader, writer = await asyncio.open_connection(sock=other)
        assert json.loads(await reader.readline()) == {"value": None}
        answered = flood.recv(1024 * 1024, socket.MSG_DONTWAIT).count(b"\n")
        for one in (flood, writer, control):
            one.close()
        await serving
        theirs.close()
        return answered

    assert asyncio.run(course()) < times / 2
