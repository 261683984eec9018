import json
import socket
import threading
from pathlib import Path

import pytest

from utils import child, egress
from utils.egress import DESK, VARIABLE, NoWayOut, open_way_out, proxy_variables
from utils.tunnel import PROXY

TICKET = "t" * 32


def test_child_knows_the_variable_without_the_import() -> None:
    assert child.WAY_OUT == egress.VARIABLE


def test_without_a_way_out_nothing_changes() -> None:
    environ = {"HTTPS_PROXY": "http://the-workers:1"}
    open_way_out(environ)
    assert environ == {"HTTPS_PROXY": "http://the-workers:1"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A desk in a folder whose path is longer than an address can be."""
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.bind(DESK)
    made.listen()
    return made


def told(tmp_path: Path) -> str:
    return json.dumps({"folder": str(tmp_path / ("long" * 40)), "ticket": TICKET, "hosts": []})


def test_socket_is_handed_over_and_proxy_variables_name_it(
    tmp_path: Path, desk: socket.socket
) -> None:
    taken: list[tuple[bytes, list[int]]] = []

    def take() -> None:
        caller, _ = desk.accept()
        with caller:
            data, fds, _, _ = socket.recv_fds(caller, 100, 1)
            taken.append((data, list(fds)))
            caller.send(b"y")

    thread = threading.Thread(target=take)
    thread.start()
    environ = {VARIABLE: told(tmp_path)}
    open_way_out(environ)
    thread.join()
    desk.close()
    ((ticket, (descriptor,)),) = taken
    assert ticket.decode() == TICKET
    with socket.socket(fileno=descriptor) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listener.accept()[0].close()
    assert VARIABLE not in environ
    assert environ["HTTPS_PROXY"] == environ[PROXY] == f"http://job:{TICKET}@127.0.0.1:{port}"


def test_refusal_and_absence_of_the_proxy_are_told(tmp_path: Path, desk: socket.socket) -> None:
    def refuse() -> None:
        for _ in range(3):
            caller, _ = desk.accept()
            with caller:
                caller.recv(100)
                caller.send(b"n")

    thread = threading.Thread(target=refuse)
    thread.start()
    with pytest.raises(NoWayOut, match="it refused"):
        open_way_out({VARIABLE: told(tmp_path)})
    thread.join()
    desk.close()
    with pytest.raises(NoWayOut, match="Connection refused"):
        open_way_out({VARIABLE: told(tmp_path)})


@pytest.mark.parametrize(
    ("hosts", "direct"),
    [
        ([], "localhost,127.0.0.1,::1"),
        (["a.example", "127.0.0.10"], "localhost,127.0.0.1,::1"),
        (["LOCALHOST:8443"], "127.0.0.1,::1"),
        (["127.0.0.1"], "localhost,::1"),
        (["[::1]:443"], "localhost,127.0.0.1"),
        (["::1"], "localhost,127.0.0.1"),
    ],
)
def test_own_loopback_needs_no_proxy_unless_the_workers_is_meant(
    hosts: list[str], direct: str
) -> None:
    variables = proxy_variables(TICKET, 1, hosts)
    assert variables["NO_PROXY"] == variables["no_proxy"] == direct


def test_every_program_finds_the_proxy_by_the_name_that_it_knows() -> None:
    variables = proxy_variables(TICKET, 1, [])
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        assert variables[name] == variables[name.upper()] == f"http://job:{TICKET}@127.0.0.1:1"
    assert variables["GIT_SSH_COMMAND"].endswith("tunnel.py %h %p'")
