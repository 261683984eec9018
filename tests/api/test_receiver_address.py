import pytest

from api.receiver_address import BadReceiver, addresses_of, exemptions_of, look_up, read_receiver
from utils.address_kinds import Address
from utils.errors import SettingsError

NONE = exemptions_of("")
LOOPBACK = exemptions_of("127.0.0.0/8")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.5/",
        "https://[fd00::5]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://\uff11\uff12\uff17.0.0.1/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:pass@example.com/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX-Injected: 1",
        "https://example.com/" + "x" * 2000,
        "//example.com/",
        "",
    ],
)
def test_address_that_nothing_is_sent_to_is_refused_with_advice(url: str) -> None:
    with pytest.raises(BadReceiver) as caught:
        read_receiver(url, NONE)
    assert caught.value.advice


def test_address_is_shown_without_what_may_be_secret() -> None:
    receiver = read_receiver("https://Hooks.Example.com/T0/s3cret?token=abc", NONE)
    assert receiver.shown == "https://hooks.example.com/…"
    assert receiver.path == "/T0/s3cret?token=abc"
    assert read_receiver("https://example.com", NONE).shown == "https://example.com"
    assert read_receiver("https://example.com:8443/", NONE).authority == "example.com:8443"
    assert read_receiver("https://[2606:4700::1111]/", NONE).authority == "[2606:4700::1111]"


@pytest.mark.parametrize("name", ["localhost", "127.1", "0x7f000001", "2130706433"])
def test_name_that_leads_inside_is_refused_when_it_is_looked_up(name: str) -> None:
    receiver = read_receiver("https://example.com/", NONE)
    with pytest.raises(BadReceiver, match="loopback"):
        addresses_of(receiver, NONE, lambda _, port: look_up(name, port))


def test_only_the_open_ones_of_several_addresses_are_used() -> None:
    def resolve(_host: str, _port: int) -> list[Address]:
        return [ip for text in ("10.0.0.1", "1.1.1.1", "::1") for ip in look_up(text, 443)]

    receiver = read_receiver("https://example.com/", NONE)
    assert [str(one) for one in addresses_of(receiver, NONE, resolve)] == ["1.1.1.1"]
    with pytest.raises(BadReceiver, match="no address"):
        addresses_of(receiver, NONE, lambda *_: [])


def test_plain_http_goes_to_allowed_networks_alone() -> None:
    receiver = read_receiver("http://example.com/", LOOPBACK)
    found = addresses_of(receiver, LOOPBACK, lambda *_: look_up("127.0.0.1", 80))
    assert [str(one) for one in found] == ["127.0.0.1"]
    with pytest.raises(BadReceiver, match="not https"):
        addresses_of(receiver, LOOPBACK, lambda *_: look_up("1.1.1.1", 80))
    with pytest.raises(BadReceiver, match="private"):
        addresses_of(receiver, LOOPBACK, lambda *_: look_up("10.0.0.1", 80))


def test_setting_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsError, match="TRUELINE_NOTIFY_PRIVATE"):
        exemptions_of("localhost")
