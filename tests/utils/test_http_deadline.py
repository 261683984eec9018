"""The deadline of an exchange as a whole: a server that never ends is left all the same."""

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from utils.errors import IntegrationTemporaryError
from utils.http import HTTPClient

if TYPE_CHECKING:
    from tests.remote import Asker, Raw, Remote

HEAD = b"HTTP/1.1 200 OK\r\n"
EMPTY_BLOCK = b"\0\0\0\xff\xff"  # unpacks to nothing
QUICK = {"timeout": 0.1, "max_retries": 1}


@pytest.mark.parametrize(
    "begin",
    [
        HEAD,
        HEAD + b"Content-Length: 100000\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n",
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10],
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
    ids=["headers", "length", "chunked", "gzip", "old"],
)
def test_an_answer_that_trickles_for_ever_is_given_up(
    ask: "Asker", raw: "Raw", begin: bytes
) -> None:
    raw.answers(begin, EMPTY_BLOCK if b"gzip" in begin else b"x", then_every=0.02)
    with pytest.raises(IntegrationTemporaryError, match=r"RemoteProtocol|not whole within 1 s"):
        ask(raw.url, "get", "/", made=QUICK)


def test_a_trickle_is_told_from_a_silence(ask: "Asker", raw: "Raw") -> None:
    raw.answers(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", then_every=0.02)
    with pytest.raises(IntegrationTemporaryError, match="the answer was not whole within 1 s"):
        ask(raw.url, "get", "/", made=QUICK)
    raw.answers(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", then_every=60)
    with pytest.raises(IntegrationTemporaryError, match=r"no answer within 0\.1 s"):
        ask(raw.url, "get", "/", made=QUICK)


def test_a_download_may_take_longer_than_what_is_kept_in_memory(raw: "Raw", tmp_path: Path) -> None:
    raw.answers(HEAD + b"Content-Length: 80\r\n\r\n", b"x", then_every=0.02)
    with HTTPClient(raw.url, timeout=0.5, max_retries=1) as client:
        assert client.download("/", tmp_path / "file") == 80


def test_a_large_body_is_sent_whole(ask: "Asker", remote: "Remote") -> None:
    remote.replies("/", remote.json("got it"))
    body = bytes(range(256)) * 4096
    assert ask(remote.url, "put", "/", data=body) == "got it"
    assert remote.got[0].body == body
