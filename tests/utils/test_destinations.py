import errno
import os
import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from utils.destinations import Destination, Destinations, Refused
from utils.routes import Routes

Check = Callable[..., str]


def packed(host: str, port: int) -> bytes:
    if ":" in host:
        raw = socket.inet_pton(socket.AF_INET6, host)
        return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI16sI", port, 0, raw, 0)
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return the reason against a destination, or nothing."""
    settings = tmp_path / "resolv.conf"

    def checked(host: str, port: int = 80, *, ports: tuple[int, ...] = (), names: str = "") -> str:
        settings.write_text(names)
        with Routes() as routes:
            rules = Destinations(ports, routes, settings)
            try:
                rules.check(Destination(ip_address(host), port))
            except Refused as refused:
                return refused.reason
        return ""

    return checked


@pytest.mark.parametrize(("host", "shown"), [("192.0.2.1", "192.0.2.1:80"), ("::1", "[::1]:80")])
def test_destination_is_read_as_calls_are_given_it(host: str, shown: str) -> None:
    destination = Destination.parse(packed(host, 80))
    assert destination == Destination(ip_address(host), 80)
    assert str(destination) == shown


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (packed("127.0.0.1", 1)[:15], errno.EINVAL),
        (packed("::1", 1)[:23], errno.EINVAL),
        (struct.pack("=H", socket.AF_UNIX) + b"/path", errno.EAFNOSUPPORT),
        (bytes(16), errno.EAFNOSUPPORT),
    ],
)
def test_what_is_no_destination_is_refused(raw: bytes, number: int) -> None:
    with pytest.raises(OSError, match=os.strerror(number)):
        Destination.parse(raw)


@pytest.mark.parametrize("host", ["8.8.8.8", "10.1.2.3", "192.168.1.1", "2001:db8::1", "fd12::1"])
def test_other_machines_are_open(check: Check, host: str) -> None:
    assert check(host) == ""


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "::1", "::"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
        "2002:7f00:1::1",
    ],
)
def test_this_machine_is_shut_but_for_ports_that_were_named(check: Check, host: str) -> None:
    assert "TRUELINE_LOOPBACK_PORTS" in check(host)
    assert check(host, ports=(80,)) == ""
    assert check(host, 81, ports=(80,)) != ""


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
        *("fd20:ce::254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
        *("224.0.0.251", "255.255.255.255", "ff02::1"),
    ],
)
def test_clouds_and_many_machines_are_shut_at_each_port(check: Check, host: str) -> None:
    assert check(host, ports=(80,)) != ""


@pytest.mark.parametrize(
    ("names", "host"),
    [
        ("nameserver 127.0.0.53\n", "127.0.0.53"),
        (
            "# first\nnameserver\nnameserver 10.0.0.1\nnameserver 169.254.169.253\n",
            "169.254.169.253",
        ),
        ("nameserver fe80::1%eth0\n", "fe80::1"),
        ("search example.com\n", "127.0.0.1"),
    ],
)
def test_name_servers_of_the_system_are_open_at_their_port(
    check: Check, names: str, host: str
) -> None:
    assert check(host, 53, names=names) == ""
    assert check(host, 80, names=names) != ""
    assert check(host, 53, names="nameserver 10.0.0.9\n") != ""


def test_refusal_is_an_error_that_names_the_target(tmp_path: Path) -> None:
    said = r"not allowed: 127\.0\.0\.1:8080: services of this"
    with Routes() as routes:
        rules = Destinations((), routes, tmp_path / "absent")
        with pytest.raises(PermissionError, match=said):
            rules.check(Destination(ip_address("127.0.0.1"), 8080))
