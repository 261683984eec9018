"""What an address is: of one machine, of a cloud's metadata, private; whatever form it hides in."""

import re
import socket
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from utils.errors import SettingsError

Address = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")  # all that is given out of IPv6
_OLD_FORMS = (IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))  # compatible, translated
_METADATA = frozenset(  # of clouds, where they are not link-local anyway
    map(
        ip_address,
        ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
_ANYONES = ("192.0.2.1", "2001:db8::1")  # documentation's: on no machine


@dataclass(frozen=True)
class Exemption:
    """Addresses that the operator allows although they are closed; no port: every port."""

    network: IPv4Network | IPv6Network
    port: int | None = None

    def covers(self, address: Address, port: int) -> bool:
        """Tell whether this address is exempt."""
        return address in self.network and self.port in {None, port}


def read_exemptions(text: str, setting: str) -> tuple[Exemption, ...]:
    """Read the value of a setting; raises SettingsError that names it."""
    return tuple(_read(one.strip(), setting) for one in text.split(",") if one.strip())


def special_kind(address: Address) -> str | None:
    """Say what keeps an address from being another machine's; None for one that is that."""
    real = embedded(address)
    kinds = {
        "a loopback address": real.is_loopback or real.is_unspecified,
        "a link-local address": real.is_link_local,
        "the address of a cloud's metadata": real in _METADATA,
        "no address of one host": real.is_multicast or real == IPv4Address("255.255.255.255"),
        "an address of this machine": _is_own(real),
    }
    return next((kind for kind, holds in kinds.items() if holds), None)


def inside_kind(address: Address) -> str | None:
    """Say what makes an address one that the internet does not reach; None: the internet does."""
    if special := special_kind(address):
        return special
    if isinstance(address, IPv6Address) and (address.teredo or address.sixtofour):
        return "a tunnel's address"
    real = embedded(address)
    unassigned = isinstance(real, IPv6Address) and real not in _UNICAST
    return "a private address" if unassigned or not real.is_global else None


def embedded(address: Address) -> Address:
    """Return the address of IPv4 that one of IPv6 leads to."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or any(address in form and int(address) > 1 for form in _OLD_FORMS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _read(text: str, setting: str) -> Exemption:
    host, port = text, None
    if bracketed := re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text):
        host, port = bracketed.groups()
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    usable = port is None or (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535)
    try:
        if usable:
            return Exemption(ip_network(host), None if port is None else int(port))
    except ValueError:
        pass  # told below
    raise SettingsError(
        f"setting {setting}: {text!r} is no address, network or address with a port",
        "write addresses as 127.0.0.1:8443, [::1]:8443 or 10.0.0.0/8, separated by commas",
    )


def _is_own(address: Address) -> bool:
    """Tell whether an address is one of this machine: only then a socket can be bound to it."""
    anyones = ip_address(_ANYONES[address.version == 6])
    if _can_bind(anyones):  # net.ipv4.ip_nonlocal_bind: ask where packets would come from
        return _comes_from(address) == str(address)
    return _can_bind(address)


def _can_bind(address: Address) -> bool:
    try:
        with _datagrams(address) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _comes_from(address: Address) -> str | None:
    try:
        with _datagrams(address) as probe:
            probe.connect((str(address), 9))  # sends nothing
            source: str = probe.getsockname()[0]
    except OSError:
        return None
    return source


def _datagrams(address: Address) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return socket.socket(family, socket.SOCK_DGRAM)
