import socket
from ipaddress import ip_address

import pytest

from utils.address_kinds import _comes_from
from utils.errors import SettingsError
from worker.egress_addresses import read_exemptions, why_closed


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.9.9.9", "a loopback address"),
        ("0.0.0.0", "a loopback address"),
        ("::1", "a loopback address"),
        ("::", "a loopback address"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("64:ff9b::7f00:1", "a loopback address"),
        ("2002:7f00:1::", "a loopback address"),
        ("169.254.169.254", "a link-local address"),
        ("64:ff9b::a9fe:a9fe", "a link-local address"),
        ("fe80::1", "a link-local address"),
        ("fd00:ec2::254", "a cloud's metadata"),
        ("100.100.100.200", "a cloud's metadata"),
        ("224.0.0.1", "no address of one host"),
        ("255.255.255.255", "no address of one host"),
        ("ff02::1", "no address of one host"),
    ],
)
def test_address_that_only_this_machine_reaches_is_closed(address: str, why: str) -> None:
    told = why_closed(ip_address(address), 443)
    assert told is not None
    assert told.startswith(str(ip_address(address)))
    assert why in told


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "10.0.2.77", "2001:db8::7", "64:ff9b::c000:207", "2606:4700::1111"]
)
def test_other_addresses_are_open(address: str) -> None:
    assert why_closed(ip_address(address), 443) is None


def test_every_address_of_this_machine_is_closed() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has a loopback alone")
        own = probe.getsockname()[0]
    assert "an address of this machine" in str(why_closed(ip_address(own), 443))
    assert _comes_from(ip_address(own)) == own  # where addresses of others can be bound to


def test_operator_opens_what_he_names_and_nothing_beside_it() -> None:
    exempt = read_exemptions("127.0.0.1:8443, [::1]:8443,169.254.0.0/16, fd00:ec2::254")
    for address, port in (
        ("127.0.0.1", 8443),
        ("::1", 8443),
        ("169.254.169.254", 80),
        ("fd00:ec2::254", 1),
    ):
        assert why_closed(ip_address(address), port, exempt) is None
    for address, port in (("127.0.0.1", 8444), ("127.0.0.2", 8443), ("::1", 1), ("fe80::1", 80)):
        assert why_closed(ip_address(address), port, exempt) is not None
    assert read_exemptions("") == ()


@pytest.mark.parametrize(
    "text",
    ["localhost", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1/33", "[::1", "[::1]:65536", "a,b"],
)
def test_setting_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="TRUELINE_EGRESS_PRIVATE") as caught:
        read_exemptions(text)
    assert "127.0.0.1:8443" in caught.value.advice
