"""Which addresses jobs may reach: other machines, and of this one what its operator named."""

import errno
import os
import socket
import struct
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from utils.routes import Routes, Way

NAME_SERVER_PORT = 53
RESOLVER_SETTINGS = Path("/etc/resolv.conf")
Address = IPv4Address | IPv6Address

_CLOUD = "the cloud's own services hand out credentials"
_HERE = "services of this machine are closed to jobs; TRUELINE_LOOPBACK_PORTS opens a port"
_MANY = "an address of many machines, this one perhaps among them"
# Metadata that lies elsewhere than at link-local addresses: Alibaba, Azure, Oracle, AWS, Google.
_CLOSED = {
    **dict.fromkeys(("169.254.0.0/16", "fe80::/10", "100.100.100.200/32"), _CLOUD),
    **dict.fromkeys(("168.63.129.16/32", "192.0.0.192/32", "fd00:c1::a9fe:a9fe/128"), _CLOUD),
    **dict.fromkeys(("fd00:ec2::/32", "fd20:ce::254/128"), _CLOUD),
    **dict.fromkeys(("224.0.0.0/4", "255.255.255.255/32", "ff00::/8"), _MANY),
    **dict.fromkeys(("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128"), _HERE),
}
_ELSEWHERE = frozenset({Way.UNICAST, Way.NONE})
_SHORT, _SHORT_6 = struct.Struct("!2xH4s"), struct.Struct("!2xH4x16s")
_LEAST_BYTES: dict[int, int] = {socket.AF_INET: 16, socket.AF_INET6: 24}


class Refused(PermissionError):  # noqa: N818 - reads as what happened
    """A call is not allowed; `target` and `reason` say it to people."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(errno.EACCES, f"not allowed: {target}: {reason}")
        self.target = target
        self.reason = reason


class Destination(NamedTuple):
    """An address of the internet's families and a port."""

    address: Address
    port: int

    @classmethod
    def parse(cls, raw: bytes) -> "Destination":
        """Read what a call was given; raises OSError."""
        family: int = struct.unpack_from("=H", raw)[0]
        if family not in _LEAST_BYTES:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        if len(raw) < _LEAST_BYTES[family]:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        layout = _SHORT if family == socket.AF_INET else _SHORT_6
        port, packed = layout.unpack_from(raw)
        return cls(ip_address(packed), port)

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


class Destinations:
    """The rules of one worker: `ports` are those of this machine that jobs may reach."""

    def __init__(
        self, ports: Collection[int], routes: Routes, resolver_settings: Path = RESOLVER_SETTINGS
    ) -> None:
        self._ports = frozenset(ports)
        self._routes = routes
        self._resolver_settings = resolver_settings
        self._closed = [(ip_network(network), reason) for network, reason in _CLOSED.items()]

    def check(self, destination: Destination) -> None:
        """Raise Refused when a job may not reach it."""
        for address in _meant(destination.address):
            reason = self._objection(address, destination.port)
            if reason is not None:
                raise Refused(str(destination), reason)

    def _objection(self, address: Address, port: int) -> str | None:
        reason = next((why for network, why in self._closed if address in network), None)
        if reason is None and self._routes.way(address) not in _ELSEWHERE:
            reason = _HERE
        if reason == _HERE and port in self._ports:
            return None
        if reason and port == NAME_SERVER_PORT and str(address) in self._name_servers():
            return None
        return reason

    def _name_servers(self) -> set[str]:
        """Return where the system looks names up now; the settings may have changed."""
        try:
            lines = self._resolver_settings.read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        words = (line.split() for line in lines)
        named = {_plain(one[1]) for one in words if len(one) > 1 and one[0] == "nameserver"}
        return named or {"127.0.0.1", "::1"}  # as the C library has it


def _meant(address: Address) -> Iterator[Address]:
    """Yield an address, and the one that is embedded in it where a network may unpack that."""
    yield address
    if isinstance(address, IPv6Address):
        packed = address.packed
        if packed[:12] in _EMBEDDINGS:
            yield IPv4Address(packed[12:])
        elif packed[:2] == b"\x20\x02":  # 6to4
            yield IPv4Address(packed[2:6])


# IPv4-mapped, IPv4-compatible, IPv4-translated, NAT64
_EMBEDDINGS = frozenset(
    IPv6Address(one).packed[:12] for one in ("::ffff:0:0", "::", "::ffff:0:0:0", "64:ff9b::")
)


def _plain(address: str) -> str:
    try:
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return ""
