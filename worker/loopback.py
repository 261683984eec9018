"""Whether jobs can reach this machine's services: shut at a worker's start, where that works."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import structlog

import utils
from utils.errors import SettingsError
from utils.settings import Settings
from worker.bubblewrap import View, bubblewrap_arguments
from worker.egress import Egress
from worker.egress_addresses import SETTING, read_exemptions
from worker.interpreter_folders import interpreter_folders
from worker.isolation import Choice, Isolation, IsolationMissing
from worker.sandbox import Sandbox, run_trial

SDK = Path(utils.__file__).parent
# As the launcher does it.
_OUTSIDE = """
import os, sys
sys.path.append(sys.argv[1])
from utils.guard_process import start_guard
start_guard({"ports": [int(sys.argv[2])]})
os.execv(sys.argv[3], sys.argv[3:])
"""
_INSIDE = """
import json, os, socket, sys
sys.path.append(sys.argv[1])
from utils.confinement import seal
from utils.guard_process import GUARD_FD
seal(GUARD_FD)
def reached(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except PermissionError:
        return False
    return True
named, other = map(int, sys.argv[2:])
print(json.dumps({"a port that was named": reached(named), "another one": reached(other)}))
"""
_WANTED = {"a port that was named": True, "another one": False}

_ADVICE = (
    "use Linux 5.19 or newer, a container with seccomp=unconfined; or set TRUELINE_LOOPBACK=open "
    "and run authors whom you trust with the API"
)

log = structlog.get_logger()


def shut_loopback(choice: Choice, settings: Settings) -> Choice:
    """Return a way to isolate jobs in which they cannot reach this machine's own services.

    Where that does not work it is as before, and says so; raises IsolationMissing where it was
    asked for.
    """
    ports = _open_ports(settings)
    _check_exemptions(settings)
    if choice.sandbox is not None and Egress(settings.egress) is Egress.DECLARED:
        return choice  # jobs get a network of their own, with nothing of this machine in it
    if choice.sandbox is None:
        if settings.loopback == "closed":
            raise _not_closed("there is no sandbox")
        return choice
    if settings.loopback == "open":
        return replace(choice, level=Isolation.WITH_LOOPBACK, missing="TRUELINE_LOOPBACK=open")
    reason = _trial(choice.sandbox)
    if reason is None:
        return replace(choice, sandbox=choice.sandbox.guarded(ports))
    if settings.loopback == "closed":
        raise _not_closed(reason)
    log.warning("jobs can reach services of this machine", reason=reason, advice=_ADVICE)
    return replace(choice, level=Isolation.WITH_LOOPBACK, missing=reason)


def _not_closed(reason: str) -> IsolationMissing:
    return IsolationMissing(f"TRUELINE_LOOPBACK=closed does not work here: {reason}", _ADVICE)


def _open_ports(settings: Settings) -> frozenset[int]:
    """Read which ports jobs may reach; the API's own would give them other jobs' secrets."""
    words = [word.strip() for word in settings.loopback_ports.split(",") if word.strip()]
    api = urlsplit(settings.api_url)
    for word in words:
        if not (word.isascii() and word.isdigit() and 0 < int(word) < 65536):
            raise SettingsError(
                f"setting TRUELINE_LOOPBACK_PORTS: {word!r} is no port",
                "name ports from 1 to 65535, separated by commas",
            )
        if int(word) == api.port and _is_here(api.hostname or ""):
            raise SettingsError(
                f"setting TRUELINE_LOOPBACK_PORTS: {word} is where the API listens",
                "take it out: who reaches the API can read the configs of all jobs",
            )
    return frozenset(int(word) for word in words)


def _check_exemptions(settings: Settings) -> None:
    """Refuse private addresses that lead declared hosts to the API, as its port is refused."""
    exempt = read_exemptions(settings.egress_private)
    api = urlsplit(settings.api_url)
    if api.port is None or not _is_here(api.hostname or ""):
        return
    for text in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        if any(one.covers(ip_address(text), api.port) for one in exempt):
            raise SettingsError(
                f"setting {SETTING}: it covers {text} at port {api.port}, where the API listens",
                "name the ports that are meant, as in 127.0.0.1:8443: who reaches the API can read "
                "the configs of all jobs",
            )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _trial(sandbox: Sandbox) -> str | None:
    """Say what does not hold with a guard; None when all does."""
    with _listening() as (named, other):
        python = Path(sys.executable)
        view = View((*interpreter_folders(python), SDK), ())
        inside = [str(SDK.parent), str(named), str(other)]
        command = [str(python), "-I", "-S", "-c", _INSIDE, *inside]
        options = bubblewrap_arguments(view, Path("/"), sandbox.namespaces)
        enclosed = [str(sandbox.bubblewrap), *options, *command]
        try:
            outside = (python, "-I", "-S", "-c", _OUTSIDE, str(SDK.parent), str(named))
            end = run_trial((*outside, *enclosed))
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if end.returncode != 0:
        said = end.stderr.decode("utf-8", "replace").strip().splitlines()
        return said[-1] if said else f"code {end.returncode}"
    found = json.loads(end.stdout)
    return None if found == _WANTED else f"what jobs reached was {found}"


@contextmanager
def _listening() -> Iterator[tuple[int, int]]:
    with ExitStack() as stack:
        ports = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(2)
        ]
        yield ports[0], ports[1]
