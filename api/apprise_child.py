"""The process in which apprise runs: it reaches no inside address, no program, no file of ours."""

import json
import logging
import mimetypes
import os
import socket
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

from utils.address_kinds import Exemption, inside_kind, read_exemptions

SETTING = "TRUELINE_NOTIFY_PRIVATE"
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_STARTS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"}
)


class Held(PermissionError):  # noqa: N818 - an event, told to people
    """Apprise wanted what it may not have."""


class Keeper:
    """An audit hook: Python calls it before each such act, and never forgets it."""

    def __init__(self, exempt: Sequence[Exemption], readable: Sequence[str] = ()) -> None:
        self._exempt = exempt
        self._readable = tuple(os.path.realpath(path) for path in readable)
        self._judging = threading.local()
        self.plain = False  # whether what is sent is not encrypted
        self.refused: str | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise Held for what is not allowed."""
        if event in _STARTS:
            self._refuse("it wants to start a program")
        if event == "open":
            self._check_file(arguments[0])
        if event in _CONNECTS and not getattr(self._judging, "now", False):
            self._judging.now = True  # to judge an address may take a socket, too
            try:
                self._check(arguments[0], arguments[-1])
            finally:
                self._judging.now = False

    def _check_file(self, path: Any) -> None:
        """Refuse files of others: an address may name one to be sent along, as a template."""
        if isinstance(path, int):
            return
        real = os.path.realpath(os.fsdecode(path))
        if not any(real == one or real.startswith(one + os.sep) for one in self._readable):
            self._refuse("it wants to read a file of this machine")

    def _check(self, connection: socket.socket, target: Any) -> None:
        if connection.family not in {socket.AF_INET, socket.AF_INET6}:
            self._refuse("it wants to reach a program of this machine")
        if target is None:  # of a datagram's socket that is connected already
            return
        try:
            address = ip_address(str(target[0]).partition("%")[0])
        except ValueError:
            self._refuse("it wants to reach a name that was not looked up")
        if any(one.covers(address, int(target[1])) for one in self._exempt):
            return
        if kind := inside_kind(address):
            self._refuse(f"{address} is {kind}; an operator may allow it by {SETTING}")
        if self.plain:
            self._refuse(f"this scheme does not encrypt: only addresses of {SETTING} get that")

    def _refuse(self, why: str) -> NoReturn:
        self.refused = why
        raise Held(why)


class Complaints(logging.Handler):
    """Keeps the first thing that apprise complains of; addresses are masked in it."""

    first: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.first = self.first or record.getMessage()


def main() -> None:
    """Carry out the order on standard input, and say on standard output what went wrong."""
    order = json.load(sys.stdin)
    keeper = Keeper(read_exemptions(order["private"], SETTING), readable_paths(os.environ))
    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        fault = _carry_out(order, keeper)
    json.dump({"fault": fault}, answers)
    answers.flush()


def readable_paths(environ: Mapping[str, str]) -> list[str]:
    """Return what Python and its libraries read: their own files, authorities, a few tables."""
    trusted = ssl.get_default_verify_paths()
    places = (trusted.openssl_cafile, trusted.openssl_capath, trusted.cafile, trusted.capath)
    named = (environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"))
    tables: tuple[str, ...] = (
        "/usr/share/zoneinfo",
        "/dev/null",
        "/dev/urandom",
        *map(str, mimetypes.knownfiles),
    )
    own = (sys.prefix, sys.base_prefix, Path.cwd().as_posix())  # the last is empty
    return [path for path in (*own, *places, *named, *tables) if path]


def _carry_out(order: Mapping[str, Any], keeper: Keeper) -> str | None:
    import apprise  # noqa: PLC0415 - an extra, and only this process needs it

    complaints = Complaints(logging.WARNING)
    apprise.logger.addHandler(complaints)
    sys.addaudithook(keeper)
    asset = apprise.AppriseAsset(
        secure_logging=True, storage_mode="memory", http_redirects=False, app_id="Trueline"
    )
    messenger = apprise.Apprise(asset=asset)
    if not messenger.add(order["url"]) or len(messenger) != 1:
        return complaints.first or "apprise does not understand it"
    (server,) = messenger
    server.redirects = False  # the address itself could ask for them
    keeper.plain = not _encrypts(server, order["url"].partition("://")[0].lower())
    if order["do"] == "check":
        return None
    sent = messenger.notify(body=order["body"], title=order["title"], notify_type=order["tone"])
    return None if sent else keeper.refused or complaints.first or "the service did not take it"


def _encrypts(server: Any, scheme: str) -> bool:
    schemes = server.secure_protocol or ()
    return scheme in ((schemes,) if isinstance(schemes, str) else schemes)
