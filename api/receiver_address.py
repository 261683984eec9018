"""Where events may be sent: addresses that the internet reaches, over TLS, unless allowed."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from utils.address_kinds import Address, Exemption, inside_kind, read_exemptions
from utils.errors import TruelineError
from utils.hosts import canonical_host

SETTING = "TRUELINE_NOTIFY_PRIVATE"
LONGEST_URL = 2_000
_PORTS = {"https": 443, "http": 80}

Resolve = Callable[[str, int], Sequence[Address]]


class BadReceiver(TruelineError):  # noqa: N818 - reads as what it says
    """Nothing is sent to such an address."""


@dataclass(frozen=True)
class Receiver:
    """An HTTP address, taken apart; `host` is in its canonical form."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """Return it without its path and query, which often are secret."""
        rest = "" if self.path == "/" else "/…"
        return f"{'https' if self.secure else 'http'}://{self.authority}{rest}"

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.secure else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


def read_receiver(url: str, exempt: Sequence[Exemption]) -> Receiver:
    """Take a URL apart; raises BadReceiver for what can be seen to be wrong without a look-up."""
    receiver = _parsed(url)
    if not receiver.secure and not exempt:
        raise BadReceiver(
            "the address is not https",
            f"give an https address; plain http is for networks that {SETTING} allows",
        )
    try:
        address = ip_address(receiver.host)
    except ValueError:
        return receiver
    check_address(address, receiver, exempt)
    return receiver


def addresses_of(
    receiver: Receiver, exempt: Sequence[Exemption], resolve: Resolve
) -> list[Address]:
    """Look the host up once; return the addresses that may be connected to.

    Raises BadReceiver where there are none, and OSError where the look-up fails. Whoever connects
    takes one of these: a second look-up could answer something else.
    """
    refusal: BadReceiver | None = None
    allowed = []
    for address in resolve(receiver.host, receiver.port):
        try:
            check_address(address, receiver, exempt)
            allowed.append(address)
        except BadReceiver as error:
            refusal = error
    if not allowed:
        raise refusal or BadReceiver("the host has no address", "correct the name")
    return allowed


def check_address(address: Address, receiver: Receiver, exempt: Sequence[Exemption]) -> None:
    """Raise BadReceiver unless something may be sent to this address."""
    if any(one.covers(address, receiver.port) for one in exempt):
        return
    if kind := inside_kind(address):
        raise BadReceiver(
            f"{address} is {kind}",
            f"events go to addresses of the internet; an operator may allow others by {SETTING}",
        )
    if not receiver.secure:
        raise BadReceiver("the address is not https", "give an https address")


def exemptions_of(text: str) -> tuple[Exemption, ...]:
    """Read the setting; raises SettingsError."""
    return read_exemptions(text, SETTING)


def look_up(host: str, port: int) -> list[Address]:
    """Ask the system for a host's addresses."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(entry[4][0]) for entry in found)
    return [ip_address(text.partition("%")[0]) for text in texts]


def _parsed(url: str) -> Receiver:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadReceiver(
            f"the address is longer than {LONGEST_URL} characters, or has some that no URL has",
            "write it as https://host/path, with other characters %-encoded",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadReceiver("the address is not a URL", "write it as https://host/path") from error
    host = canonical_host(parts.hostname or "")
    if parts.scheme not in _PORTS or host is None or port == 0:
        raise BadReceiver(
            "the address is not an https URL of a host", "write it as https://host/path"
        )
    if "@" in parts.netloc:
        raise BadReceiver(
            "the address has a user name in it",
            "leave it out: receivers know us by the signature of what they get",
        )
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return Receiver(parts.scheme == "https", host, port or _PORTS[parts.scheme], target)
