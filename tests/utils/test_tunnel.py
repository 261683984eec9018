import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from utils import tunnel
from utils.tunnel import PROXY, connect

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class OneAnswer:
    """A proxy that reads one head and says one thing, then echoes one piece."""

    def __init__(self, answer: bytes) -> None:
        self.asked = b""
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://job:secret@127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._server:
            client, _ = self._server.accept()
        with client:
            while not self.asked.endswith(b"\r\n\r\n"):
                self.asked += client.recv(1000)
            client.sendall(self._answer)
            if piece := client.recv(1000):
                client.sendall(piece)

    def close(self) -> None:
        self._thread.join()


def test_without_a_proxy_the_connection_is_direct() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        connect("127.0.0.1", server.getsockname()[1], 5, environ={}) as connection,
    ):
        server.accept()[0].close()
        assert connection.recv(1) == b""


def test_tunnel_is_asked_for_with_the_jobs_ticket_and_loses_no_byte() -> None:
    proxy = OneAnswer(ESTABLISHED + b"server speaks first")
    with connect("2001:db8::1", 22, 5, environ={PROXY: proxy.url}) as connection:
        assert connection.recv(100) == b"server speaks first"
        connection.sendall(b"hello")
        assert connection.recv(100) == b"hello"
    proxy.close()
    head = proxy.asked.decode()
    assert head.startswith("CONNECT [2001:db8::1]:22 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic am9iOnNlY3JldA==\r\n" in head


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"HTTP/1.1 403 host 'x' is not declared\r\n\r\n", PermissionError, "host 'x' is not"),
        (b"HTTP/1.1 502 no answer in time\r\n\r\n", ConnectionError, "no answer in time"),
        (b"\r\n\r\n", ConnectionError, "the proxy gave no answer"),
        (b"nonsense\r\n\r\n", ConnectionError, "the proxy gave no answer"),
    ],
)
def test_refusal_is_an_error_with_the_proxys_words(
    answer: bytes, error: type[OSError], text: str
) -> None:
    proxy = OneAnswer(answer)
    with pytest.raises(error, match=text):
        connect("a.example", 443, 5, environ={PROXY: proxy.url})
    proxy.close()


def test_program_carries_stdin_and_stdout() -> None:
    proxy = OneAnswer(ESTABLISHED)
    done = subprocess.run(
        [sys.executable, "-I", "-S", Path(tunnel.__file__), "a.example", "22"],
        input=b"hello",
        env={**os.environ, PROXY: proxy.url},
        capture_output=True,
        timeout=60,
        check=False,
    )
    proxy.close()
    assert (done.returncode, done.stdout) == (0, b"hello")


def test_program_that_is_refused_says_why() -> None:
    proxy = OneAnswer(b"HTTP/1.1 403 not declared\r\n\r\n")
    done = subprocess.run(
        [sys.executable, "-I", "-S", Path(tunnel.__file__), "a.example", "22"],
        stdin=subprocess.DEVNULL,
        env={**os.environ, PROXY: proxy.url},
        capture_output=True,
        timeout=60,
        check=False,
    )
    proxy.close()
    assert (done.returncode, done.stderr) == (1, b"not declared\n")
