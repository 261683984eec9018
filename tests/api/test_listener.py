import socket
from pathlib import Path

import pytest

from api.listener import ListenError, address_of, announce, check_exposure, listen, withdraw
from utils.settings import Settings

pytestmark = pytest.mark.one_database


def test_port_0_takes_a_free_one_and_tells_it() -> None:
    with listen("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert address_of(listener) == f"http://{host}:{port}"
        socket.create_connection((host, port), 5).close()


def test_client_that_stalls_is_not_waited_for() -> None:
    with listen("127.0.0.1", 0, silence_seconds=1) as listener:
        client = socket.create_connection(listener.getsockname(), 5)
        served, _ = listener.accept()
        with client, served:
            served.setblocking(True)
            client.sendall(b"GET / HT")
            assert served.recv(100) == b"GET / HT"
            with pytest.raises(BlockingIOError):
                served.recv(100)


def test_busy_port_says_what_to_do() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(ListenError, match="is in use") as error:
        listen("127.0.0.1", first.getsockname()[1])
    assert "TRUELINE_API_PORT" in error.value.advice


def test_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(ListenError, match="cannot listen"):
        listen("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_served_without_a_key(settings: Settings, host: str) -> None:
    check_exposure(settings.model_copy(update={"api_host": host}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", ""])
def test_any_other_address_is_refused(settings: Settings, host: str) -> None:
    with pytest.raises(ListenError, match="not a loopback address"):
        check_exposure(settings.model_copy(update={"api_host": host}))


def test_any_address_is_served_with_a_key_once_its_names_are_told(settings: Settings) -> None:
    keyed = {"signing_key_file": Path("/key"), "api_host": "0.0.0.0"}
    with pytest.raises(ListenError, match="TRUELINE_API_HOSTS does not say"):
        check_exposure(settings.model_copy(update=keyed))
    check_exposure(settings.model_copy(update=keyed | {"api_hosts": "trueline.example.com"}))
    check_exposure(settings.model_copy(update=keyed | {"api_host": "127.0.0.1"}))


@pytest.mark.parametrize("change", [{"api_hosts": "a.example"}, {"trusted_proxies": 1}])
def test_names_and_proxies_are_refused_without_a_key(
    settings: Settings, change: dict[str, object]
) -> None:
    with pytest.raises(ListenError, match="no signing key"):
        check_exposure(settings.model_copy(update=change))


def test_address_is_withdrawn_by_the_one_that_wrote_it(tmp_path: Path) -> None:
    announce(tmp_path, "http://127.0.0.1:1")
    assert (tmp_path / "api.address").read_text() == "http://127.0.0.1:1\n"
    withdraw(tmp_path, "http://127.0.0.1:2")
    assert (tmp_path / "api.address").exists()
    withdraw(tmp_path, "http://127.0.0.1:1")
    withdraw(tmp_path, "http://127.0.0.1:1")
    assert not (tmp_path / "api.address").exists()
