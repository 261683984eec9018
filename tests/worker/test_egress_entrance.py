import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from worker.egress_entrance import MOST_WAITING, Desk, Entrance, is_listening

REPOSITORY = Path(__file__).parents[2]


def desk_call(folder: Path, ticket: str, *sockets: socket.socket) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
        caller.settimeout(20)
        caller.connect(str(folder / "desk"))
        socket.send_fds(caller, [ticket.encode()], [one.fileno() for one in sockets])
        return caller.recv(1)


def at_a_desk(folder: Path, act: Callable[[], object]) -> list[str]:
    """Run `act` in a thread while a desk takes the ticket `right`; return who was admitted."""
    admitted: list[str] = []

    def admit(ticket: str, listener: socket.socket) -> bool:
        if ticket == "right":
            admitted.append(ticket)
            listener.close()
        return ticket == "right"

    async def serve() -> None:
        desk = Desk(folder, "desk", admit)
        await asyncio.to_thread(act)
        desk.close()

    asyncio.run(serve())
    return admitted


def test_socket_with_its_ticket_is_taken_and_another_is_not(tmp_path: Path) -> None:
    said: list[bytes] = []

    def act() -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.socket() as silent,
            socket.socket(socket.AF_UNIX) as unix,
        ):
            unix.bind(str(tmp_path / "other"))
            unix.listen()
            said.append(desk_call(tmp_path, "wrong", listener))
            said.append(desk_call(tmp_path, "right", silent))
            said.append(desk_call(tmp_path, "right", unix))
            said.append(desk_call(tmp_path, "right"))
            said.append(desk_call(tmp_path, "right", listener))

    assert at_a_desk(tmp_path, act) == ["right"]
    assert said == [b"n", b"n", b"n", b"n", b"y"]


def test_crowd_that_says_nothing_does_not_close_the_desk(tmp_path: Path) -> None:
    def act() -> None:
        crowd = []
        for _ in range(2 * MOST_WAITING):
            crowd.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            crowd[-1].connect(str(tmp_path / "desk"))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            assert desk_call(tmp_path, "right", listener) == b"y"
        for one in crowd:
            one.close()

    assert at_a_desk(tmp_path, act) == ["right"]


def test_listening_socket_is_told_from_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as silent:
        assert is_listening(listener)
        assert not is_listening(silent)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        assert not is_listening(datagrams)


def test_socket_that_somebody_else_makes_block_holds_up_nobody() -> None:
    """Whoever handed it over keeps it: there blocking or not is one state for all who hold it."""

    async def serve() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        kept = socket.socket(fileno=socket.dup(listener.fileno()))
        address = listener.getsockname()
        taken: asyncio.Queue[socket.socket] = asyncio.Queue()
        entrance = Entrance(listener, threading.Semaphore(10), taken.put_nowait, print)
        for blocking in (True, False, True):
            kept.setblocking(blocking)
            if blocking:
                with socket.create_connection(address):
                    (await asyncio.wait_for(taken.get(), 20)).close()
        entrance.close()
        kept.close()
        await asyncio.sleep(0)

    asyncio.run(serve())


def test_no_more_come_in_than_there_are_places() -> None:
    async def serve() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        taken: asyncio.Queue[socket.socket] = asyncio.Queue()
        places = threading.Semaphore(2)
        asked: asyncio.Queue[bool] = asyncio.Queue()
        entrance = Entrance(listener, places, taken.put_nowait, lambda: asked.put_nowait(True))
        crowd = [socket.create_connection(address) for _ in range(3)]
        inside = [await asyncio.wait_for(taken.get(), 20) for _ in range(2)]
        await asyncio.wait_for(asked.get(), 20)
        assert taken.empty()
        inside.pop().close()
        places.release()
        inside.append(await asyncio.wait_for(taken.get(), 20))
        entrance.close()
        for one in (*crowd, *inside):
            one.close()

    asyncio.run(serve())


EXHAUST = """
import asyncio, os, resource, socket, threading
from worker.egress_entrance import Desk, Entrance
from pathlib import Path

def use_up():
    held = []
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        return held

async def serve():
    taken = asyncio.Queue()
    desk = Desk(Path.cwd(), "desk", lambda ticket, listener: taken.put_nowait(listener) or True)
    listener = socket.create_server(("127.0.0.1", 0))
    given = socket.create_server(("127.0.0.1", 0))
    entrance = Entrance(listener, threading.Semaphore(10), taken.put_nowait, print)
    client, caller = socket.socket(), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = use_up()
    client.connect(listener.getsockname())
    caller.connect("desk")
    await asyncio.sleep(0.3)
    for descriptor in held:
        os.close(descriptor)
    socket.send_fds(caller, [b"ticket"], [given.fileno()])
    for _ in range(2):
        print(type(await asyncio.wait_for(taken.get(), 20)).__name__)
    os._exit(0)

asyncio.run(serve())
"""


def test_process_without_descriptors_takes_up_again_once_there_are_some(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-u", "-c", EXHAUST],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["socket", "socket"], done.stderr


def test_what_is_no_socket_is_let_go(tmp_path: Path) -> None:
    """Or a job could fill this process, and keep files that were deleted."""
    said: list[bytes] = []
    ends = []

    def act() -> None:
        ours, theirs = os.pipe()
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller,
            os.fdopen(ours, "rb") as reading,
            os.fdopen(theirs, "wb") as writing,
        ):
            caller.settimeout(20)
            caller.connect(str(tmp_path / "desk"))
            socket.send_fds(caller, [b"right"], [theirs])
            writing.close()
            said.append(caller.recv(1))
            os.set_blocking(ours, False)
            ends.append(reading.read())

    assert at_a_desk(tmp_path, act) == []
    assert said == [b"n"]
    assert ends == [b""]
