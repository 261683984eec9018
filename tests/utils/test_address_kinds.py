from ipaddress import ip_address

import pytest

from utils.address_kinds import embedded, inside_kind, special_kind


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",  # of a carrier's network
        "0.1.2.3",
        "198.18.0.1",
        "240.0.0.1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::",
        "2002:101:101::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "224.0.0.1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "168.63.129.16",
    ],
)
def test_address_that_the_internet_does_not_reach_is_inside(address: str) -> None:
    assert inside_kind(ip_address(address)) is not None


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_address_of_the_internet_is_not(address: str) -> None:
    assert inside_kind(ip_address(address)) is None


def test_private_address_of_another_machine_is_not_special() -> None:
    assert special_kind(ip_address("10.0.2.77")) is None
    assert inside_kind(ip_address("10.0.2.77")) == "a private address"


@pytest.mark.parametrize(
    "form",
    ["::ffff:7.8.9.10", "::7.8.9.10", "::ffff:0:7.8.9.10", "64:ff9b::708:90a", "2002:708:90a::1"],
)
def test_address_is_found_in_the_forms_that_lead_to_it(form: str) -> None:
    assert embedded(ip_address(form)) == ip_address("7.8.9.10")
