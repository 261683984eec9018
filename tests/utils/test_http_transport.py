from pathlib import Path

import httpx2
import pytest
import trustme

from utils.http_order import Order
from utils.http_transport import (
    ERROR_BODY_BYTES,
    InMemory,
    IntoFile,
    TooLarge,
    authorities,
    fault_of,
    pool_settings,
)

SECRET = "abcdefgh"


@pytest.mark.parametrize(
    ("error", "reason", "untouched", "permanent"),
    [
        (httpx2.ConnectError("refused"), "ConnectError: refused", True, False),
        (
            httpx2.ConnectTimeout("x"),
            "no connection within 2.5 s (ConnectTimeout)",
            True,
            False,
        ),
        (httpx2.ReadTimeout("x"), "no answer within 2.5 s (ReadTimeout)", False, False),
        (httpx2.ReadError(""), "ReadError", False, False),
        (TimeoutError(), "the answer was not whole within inf s", False, False),
        (UnicodeError("x"), "its host is no name that can be looked up", True, True),
        (httpx2.ProxyError("403 no"), "the proxy refused: 403 no", True, True),
        (httpx2.ProxyError("502 no"), "the proxy refused: 502 no", True, False),
        (
            httpx2.LocalProtocolError(f"Illegal header value {SECRET}"),
            "the request cannot be sent (LocalProtocolError)",
            True,
            True,
        ),
    ],
)
def test_each_error_of_the_library_has_a_meaning(
    error: Exception, reason: str, *, untouched: bool, permanent: bool
) -> None:
    fault = fault_of(error, Order("GET", "http://h/", {}, None, 2.5, repeatable=True))
    assert (fault.reason, fault.untouched, fault.permanent) == (reason, untouched, permanent)


def test_a_body_is_kept_up_to_its_limit() -> None:
    receiver = InMemory(10)
    receiver.begin(200, {})
    assert receiver.take(b"x" * 10)
    assert receiver.end() == b"x" * 10
    with pytest.raises(TooLarge, match="11 bytes or more, over 10"):
        receiver.take(b"x")
    with pytest.raises(TooLarge):
        receiver.begin(200, {"content-length": "11"})


def test_of_an_error_only_the_beginning_is_read() -> None:
    receiver = InMemory(10)
    receiver.begin(500, {"content-length": "1000000000"})
    assert receiver.take(b"x" * 100)
    assert not receiver.take(b"x" * ERROR_BODY_BYTES)


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    receiver = IntoFile(path)
    receiver.begin(200, {})
    receiver.take(b"half")
    receiver.begin(200, {})
    receiver.take(b"new")
    assert path.read_text() == "old"
    receiver.end()
    receiver.discard()
    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_authorities_are_loaded_once_and_again_when_their_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    trusted = []
    for _ in range(2):
        trustme.CA().cert_pem.write_to_path(str(bundle.with_suffix(".new")))
        bundle.with_suffix(".new").replace(bundle)
        assert authorities() is authorities()
        trusted.append(authorities().get_ca_certs())
    assert trusted[0] != trusted[1]
    assert pool_settings(None, "https://h")["verify"] is authorities()
    own = httpx2.create_ssl_context()
    assert pool_settings(own, "https://h")["verify"] is own
