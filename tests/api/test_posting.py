import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest
import trustme

from api.posting import PostFailed, Ways, post
from api.receiver_address import Receiver as Target
from api.receiver_address import exemptions_of
from tests.receiver import Receiver, Reply
from utils.address_kinds import Address

HERE = exemptions_of("127.0.0.1/32")


def to(url: str, host: str | None = None) -> Target:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return Target(secure, host or parts.hostname or "", parts.port or 443, "/hook")


class Names:
    """A name server whose answers change."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[Address]:
        del host, port
        self.asked += 1
        return [ipaddress.ip_address(self._answers.pop(0))]


@contextmanager
def raw_server(*said: bytes, pause: threading.Event | None = None) -> Iterator[str]:
    """Answer each connection with these pieces, whatever it says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for piece in said:
                connection.sendall(piece)
                if pause is not None:
                    pause.wait(0.05)

    def carefully() -> None:
        try:
            serve()
        except OSError:  # the client has left
            return

    thread = threading.Thread(target=carefully)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    thread.join()


def test_post_arrives_as_it_was_made(receiver: Receiver) -> None:
    receiver.replies.append(Reply(202, {"Retry-After": "7"}))
    answered = post(to(receiver.url), {"X-A": "1"}, b"body", Ways(HERE))
    assert (answered.status, answered.retry_after_seconds) == (202, 7.0)
    (got,) = receiver.received
    assert (got.path, got.body, got.headers["X-A"]) == ("/hook", b"body", "1")
    assert got.headers["Host"] == urlsplit(receiver.url).netloc


def test_time_to_come_back_may_be_a_date(receiver: Receiver) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    for text, least, most in ((later, 500, 600), ("soon", None, None), ("-5", None, None)):
        receiver.replies.append(Reply(503, {"Retry-After": text}))
        found = post(to(receiver.url), {}, b"", Ways(HERE)).retry_after_seconds
        if least is None or most is None:
            assert found is None
        else:
            assert found is not None
            assert least < found <= most


def test_name_that_changes_its_mind_is_asked_once_and_never_followed_inside(
    receiver: Receiver,
) -> None:
    target = to(receiver.url, "rebinding.example")
    names = Names("127.0.0.1", "169.254.169.254")
    assert post(target, {}, b"", Ways(HERE, names)).status == 204
    assert names.asked == 1
    with pytest.raises(PostFailed, match="link-local"):
        post(target, {}, b"", Ways(HERE, names))
    assert len(receiver.received) == 1


def test_inside_is_refused_before_anything_is_sent(receiver: Receiver) -> None:
    with pytest.raises(PostFailed, match="loopback"):
        post(to(receiver.url), {}, b"", Ways())
    assert receiver.received == []


def test_certificate_must_be_of_the_name_and_not_of_the_address(
    tls: Callable[[trustme.CA, str], AbstractContextManager[str]],
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with tls(authority, "hooks.example") as url:
        port = urlsplit(url).port or 0
        ways = Ways(HERE, Names("127.0.0.1", "127.0.0.1", "127.0.0.1"), context)
        assert post(Target(True, "hooks.example", port, "/"), {}, b"", ways).status >= 200
        with pytest.raises(PostFailed, match="certificate"):
            post(Target(True, "other.example", port, "/"), {}, b"", ways)
        plain = Ways(HERE, Names("127.0.0.1"))
        with pytest.raises(PostFailed, match="certificate"):
            post(Target(True, "hooks.example", port, "/"), {}, b"", plain)


def test_answer_that_drips_or_does_not_come_ends_at_the_deadline() -> None:
    pause = threading.Event()
    drops = [b"HTTP/1.1 200 OK\r\n", *(b"X: y\r\n" for _ in range(200))]
    with (
        raw_server(*drops, pause=pause) as url,
        pytest.raises(PostFailed, match="no answer within"),
    ):
        post(to(url), {}, b"", Ways(HERE, try_seconds=0.3))
    pause.set()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "not HTTP"),
        (b"", "cannot be reached|not HTTP"),
    ],
)
def test_answer_that_is_none_is_told(said: bytes, why: str) -> None:
    with raw_server(said) as url, pytest.raises(PostFailed, match=why):
        post(to(url), {}, b"", Ways(HERE))


def test_body_of_an_answer_is_not_waited_for() -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nx"
    with raw_server(head) as url:
        assert post(to(url), {}, b"", Ways(HERE)).status == 200


def test_nobody_there_is_told() -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(PostFailed, match="Connection refused"):
        post(to(f"http://127.0.0.1:{port}"), {}, b"", Ways(HERE))
    with pytest.raises(PostFailed, match="looked up"):
        post(to(f"http://127.0.0.1:{port}", "no-such-name.invalid"), {}, b"", Ways(HERE))
