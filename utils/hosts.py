"""The hosts that an integration declares: how one is written, and what it lets a job reach."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

import idna

from utils.errors import TruelineError

WEB_PORTS = (443, 80)  # what a host without a port stands for
ANY_SUBDOMAIN = "*."
LONGEST_NAME = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that resolvers take for an address


class BadHost(TruelineError):  # noqa: N818 - reads as the state it reports
    """This is no host that can be declared."""


@dataclass(frozen=True)
class HostRule:
    """One declared host; `name` is in the form of `canonical_host`."""

    name: str
    ports: tuple[int, ...] = WEB_PORTS
    subdomains: bool = False  # of the name, and not the name itself

    def allows(self, host: str, port: int) -> bool:
        """Tell whether a job may connect to a host, given in its canonical form."""
        same = host.endswith(f".{self.name}") if self.subdomains else host == self.name
        return same and port in self.ports


def read_host(text: str) -> HostRule:
    """Read one entry of `hosts`; raises BadHost.

    It is a name, `*.` and a name, or an address, each with `:port` where that is not 443 or 80.
    """
    if "/" in text or "@" in text:
        raise BadHost(f"{text[:80]!r} is a URL or a path", "write the host alone: example.com")
    host, port = _split(text)
    subdomains = host.startswith(ANY_SUBDOMAIN)
    bare = host.removeprefix(ANY_SUBDOMAIN)
    if "*" in bare:
        raise BadHost(
            f"{text[:80]!r}: '*' stands for subdomains alone, at the beginning",
            "write *.example.com, or name each host",
        )
    name = canonical_host(bare)
    if name is None:
        raise BadHost(f"{text[:80]!r} is no host name or address", _how_to_write(bare))
    if subdomains and ("." not in name or _as_address(name)):
        raise BadHost(
            f"{text[:80]!r} covers more than one owner's names",
            "name at least two labels after the star: *.example.com",
        )
    return HostRule(name, WEB_PORTS if port is None else (port,), subdomains)


def canonical_host(text: str) -> str | None:
    """Return the one form of a name or address that is compared; None for what is neither.

    Small letters, no final dot, non-ASCII labels as `xn--`; addresses as Python writes them.
    """
    bracketed = text.startswith("[") and text.endswith("]")
    address = _as_address(text[1:-1] if bracketed else text)
    if address is not None:
        return address
    name = _as_ascii(text).lower().removesuffix(".")
    labels = name.split(".")
    usable = len(name) <= LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    return name if usable and not _NUMBER.fullmatch(labels[-1]) else None


def joined(host: str, port: int) -> str:
    """Return a host as it would be declared for a port."""
    shown = f"[{host}]" if ":" in host else host
    return host if port in WEB_PORTS else f"{shown}:{port}"


def first_bad(hosts: Iterable[str]) -> tuple[int, BadHost] | None:
    """Return the position, from 1, of the first host that cannot be declared, and why."""
    for position, text in enumerate(hosts, start=1):
        try:
            read_host(text)
        except BadHost as error:
            return position, error
    return None


def _split(text: str) -> tuple[str, int | None]:
    """Part a host from its port; an address of IPv6 needs brackets to have one."""
    bracketed = re.fullmatch(r"(\[[^\]]*\])(?::([^:]*))?", text)
    if bracketed:
        host, port = bracketed.groups()
    elif text.count(":") == 1:
        host, port = text.split(":")
    else:
        return text, None
    if port is None:
        return host, None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise BadHost(f"{text[:80]!r}: {port[:20]!r} is no port", "write a number from 1 to 65535")
    return host, int(port)


def _as_address(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return str(address.ipv4_mapped or address)
    return str(address)


def _as_ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def _how_to_write(bare: str) -> str:
    last = bare.lower().removesuffix(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        return "write an address in full: 192.0.2.7"
    return "write a host as example.com, *.example.com, example.com:8443 or [2001:db8::1]:443"
