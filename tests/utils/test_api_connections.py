import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import trustme

from utils.api_connections import ApiConnections, BrokenExchange

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Says what is `said` on each connection, one answer a request, and then ends it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.said: list[list[bytes]] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.ended = threading.Event()  # a connection, by us
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, suppress(OSError):
                    self._answer_on(connection)
                self.ended.set()

    def _answer_on(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True)
        for said in self.said.pop(0):
            self.requests.append(connection.recv(65536))
            connection.sendall(said)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def api(server: Server) -> Iterator[ApiConnections]:
    with closing(ApiConnections(f"http://{server.address}/below", "t0ken")) as api:
        yield api


def test_a_request_bears_the_token_and_goes_below_the_path_of_the_address(
    server: Server, api: ApiConnections
) -> None:
    server.said = [[OK]]
    answer = api.ask("GET", "/x?y=1", None, 10, {"X-More": "m"})
    assert (answer.status, answer.is_success, answer.content) == (200, True, b"ok")
    (request,) = server.requests
    assert request.startswith(b"GET /below/x?y=1 HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer t0ken\r\n" in request
    assert b"\r\nX-More: m\r\n" in request


def test_a_connection_is_kept_until_the_api_has_closed_it(
    server: Server, api: ApiConnections
) -> None:
    server.said = [[OK, OK], [OK]]
    assert [api.ask("GET", "/", None, 10).content for _ in range(2)] == [b"ok", b"ok"]
    assert server.connections == 1
    assert server.ended.wait(10)
    assert api.ask("GET", "/", None, 10).content == b"ok"
    assert server.connections == 2


def test_a_redirect_is_an_answer_that_is_not_followed(server: Server, api: ApiConnections) -> None:
    server.said = [[b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"]]
    answer = api.ask("GET", "/", None, 10)
    assert (answer.status, answer.is_success) == (302, False)
    assert answer.headers["location"] == "/other"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n", "9000000000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "header line"),
        (b"SSH-2.0-OpenSSH\r\n", "SSH"),
        (b"", "closed connection"),
    ],
    ids=["too large", "broken off", "a long header", "no HTTP", "nothing"],
)
def test_what_is_no_whole_answer_is_an_error(
    server: Server, api: ApiConnections, said: bytes, told: str
) -> None:
    server.said = [[said]]
    with pytest.raises(BrokenExchange, match=told) as caught:
        api.ask("GET", "/", None, 10)
    assert not caught.value.is_refused


def test_a_server_whose_authority_is_unknown_is_told_nothing() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    server = Server(tls)
    server.said = [[OK]]
    api = ApiConnections(f"https://{server.address}", "t0ken")
    with pytest.raises(BrokenExchange, match="certificate verify failed"):
        api.ask("GET", "/", None, 10)
    api.close()
    server.close()
    assert server.requests == []
