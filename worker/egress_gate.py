"""One job at the proxy: who it is, what it may reach, what it did reach, and its limits."""

import asyncio
import hmac
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from utils.address_kinds import Exemption
from utils.hosts import HostRule, canonical_host, joined, read_host
from worker.egress_addresses import SETTING, why_closed
from worker.egress_reach import Reach, ReachRecord

MOST_CONNECTIONS = 256  # of one job at once; further ones wait
MOST_LOOKUPS = 4  # of one job at once: a name server that hangs must not stop other jobs' lookups
LOOKUP_SECONDS = 20.0
CONNECT_SECONDS = 15.0
MANIFEST = "integrations.json"

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Refused(Exception):  # noqa: N818 - an event, answered to the client
    """The proxy does not do what it was asked for; the text is for the plugin's author."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Way:
    """An open connection to a host, and the row that counts what goes over it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    row: Reach


@dataclass
class Gate:
    """What the proxy knows of one job; `hosts` None: its integration declares none."""

    integration: str
    hosts: tuple[str, ...] | None
    exempt: Sequence[Exemption] = ()
    tickets: set[str] = field(default_factory=set)
    record: ReachRecord = field(default_factory=ReachRecord)

    def __post_init__(self) -> None:
        self._rules: tuple[HostRule, ...] = tuple(map(read_host, self.hosts or ()))
        self._lookups = asyncio.Semaphore(MOST_LOOKUPS)

    def check_ticket(self, authorization: str) -> None:
        """Raise Refused for whoever is not this job: forks of one warm process share a network."""
        kind, _, told = authorization.partition(" ")
        try:
            ticket = b64decode(told.encode(), validate=True).decode().partition(":")[2]
        except ValueError:
            ticket = ""
        known = any(hmac.compare_digest(ticket.encode(), one.encode()) for one in self.tickets)
        if kind.lower() != "basic" or not known:
            raise Refused(407, "the proxy of a job wants the user that stands in HTTPS_PROXY")

    async def connect(self, asked: str, port: int) -> Way:
        """Connect to a host; raises Refused, and records both."""
        host = self._declared(asked, port)
        try:
            reader, writer = await self._open(host, port)
        except Refused as refused:
            allowed = refused.status != 403
            self.record.note(host, port, allowed=allowed, reason=refused.text)
            raise
        return Way(reader, writer, self.record.note(host, port, allowed=True))

    def refuse_name(self, name: str | None, way: Way) -> None:
        """Record that TLS asked another name than the one that the way was opened for."""
        reason = f"asked for by TLS on a connection to {joined(way.row.host, way.row.port)}"
        self.record.note(name or "(not TLS)", way.row.port, allowed=False, reason=reason)

    def _declared(self, asked: str, port: int) -> str:
        host = canonical_host(asked)
        if host is not None and any(rule.allows(host, port) for rule in self._rules):
            return host
        shown = joined(host or asked[:200], port)
        told = "no hosts" if not self.hosts else ", ".join(self.hosts[:20])
        text = (
            f"host {shown!r} is not declared: integration {self.integration!r} declares {told}; "
            f'add "{shown}" to its "hosts" in {MANIFEST} and push'
        )
        self.record.note(host or asked, port, allowed=False, reason="not declared")
        raise Refused(403, text)

    async def _open(self, host: str, port: int) -> Stream:
        closed = None
        failure: Exception | None = None
        for address in await self._addresses(host, port):
            # The address that was judged is the one to connect to: a second lookup could differ.
            closed = why_closed(ip_address(address), port, self.exempt)
            if closed:
                continue
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, port)
            except (OSError, TimeoutError) as error:
                failure = error
        if failure is None and closed:
            raise Refused(403, f"{closed}; an operator may allow it by {SETTING}")
        why = getattr(failure, "strerror", None) or "no answer in time"
        raise Refused(502, f"{joined(host, port)} cannot be reached: {why}")

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with self._lookups, asyncio.timeout(LOOKUP_SECONDS):
                found = await loop.getaddrinfo(host, port, type=1)
        except (OSError, TimeoutError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "no answer in time"
            raise Refused(502, f"the name {host!r} cannot be looked up: {why}") from error
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def answer(self) -> Mapping[str, Any]:
        """Return what is recorded of the job."""
        return {"reached": self.record.rows(), "omitted": self.record.omitted}
