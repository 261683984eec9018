"""Walls that a process puts around itself before it runs a plugin's code; they hold for good.

They stand inside the sandbox's own: `seal` takes away what no plugin needs (new privileges, user
namespaces, keyrings, rare system calls, a look into this process), `confine` leaves a job one
directory to write to, and its limits. All need Linux and none needs privileges.
"""

import errno
import os
import resource
from collections.abc import Mapping, Sequence
from typing import Any

CLOSED = b"y"  # the helper's answer; see `utils.sandbox_closer`
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_SHARED_FOLDER, _TERMINALS = "shm", "pts"  # below /dev
_SHARED_MEMORY = f"/dev/{_SHARED_FOLDER}"  # where multiprocessing keeps its locks


def seal(guard: int | None = None) -> None:
    """Give up what no plugin needs; call it before the first line of a plugin or its packages.

    `guard` is the descriptor of a socket with a guard at its other end; see `utils.guard`.
    """
    from utils.seccomp import refuse_rare_calls  # noqa: PLC0415 - ctypes costs each job 4 ms
    from utils.system_calls import prctl  # noqa: PLC0415 - same

    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_DUMPABLE, 0)  # nobody reads our memory or environment, or traces us
    refuse_rare_calls()
    if guard is not None:
        from utils.guard_filter import submit_to_guard  # noqa: PLC0415 - same

        submit_to_guard(guard)


def await_closed(descriptor: int) -> None:
    """Wait until the sandbox around this process is closed; raises OSError where that failed."""
    os.write(descriptor, b"?")
    answer = os.read(descriptor, 1)
    os.close(descriptor)
    if answer != CLOSED:
        raise OSError(errno.EPERM, "the mounts of this sandbox could not be closed")


def confine(walls: Mapping[str, Any], enclosure: "Enclosure | None" = None) -> None:
    """Keep this process, which is a job's, to what `walls` says.

    `limits` are pairs of a soft and a hard limit by their RLIMIT_ name; with `enclosed` it writes
    below its working directory alone, and does not see what lies beside that; `alone` says that its
    sandbox holds no other job. With `guarded` it must have a guard that is still there. An
    `enclosure` has been prepared for that.
    """
    if walls.get("guarded"):
        from utils.guard_filter import check_guard  # noqa: PLC0415 - same

        check_guard()
    _limit(walls.get("limits", {}))
    if walls.get("enclosed"):
        directory = os.getcwd()  # noqa: PTH109 - pathlib costs each job 6 ms
        if enclosure is None:
            enclose(directory, alone=walls.get("alone", False))
        else:
            enclosure.enclose(directory)


def enclose(directory: str, *, alone: bool = False) -> None:
    """Allow writing below `directory` alone, and no look at what lies beside it."""
    enclosure = Enclosure(_folder_of(directory), alone=alone)
    enclosure.enclose(directory)
    enclosure.close()


class Enclosure:
    """Walls for the jobs of one folder, each of which may write below its own directory alone.

    What does not depend on the job is looked up once, and prepared ahead in the process that
    becomes a job's. Unless a job is `alone` in its sandbox it gets no terminals: others could open
    them by number. Where the kernel has no Landlock this does nothing: there a sandbox holds one
    job.
    """

    def __init__(self, folder: str, *, alone: bool = False) -> None:
        from utils.landlock import Access, Rule  # noqa: PLC0415 - ctypes costs each job 4 ms

        self._folder = folder
        allowed = [(path, Access.READ) for path in _readable(folder)]
        # Files in shared memory can be used by those who know their names, which are random: what
        # is allowed for /dev as a whole would hold there too, and list them.
        closed = {_SHARED_FOLDER} if alone else {_SHARED_FOLDER, _TERMINALS}
        devices = [f"/dev/{name}" for name in _names("/dev") if name not in closed]
        allowed += [(path, Access.READ | Access.USE_DEVICES) for path in devices]
        allowed.append((_SHARED_MEMORY, Access.NAMED_FILES))
        found = [Rule.open(path, access) for path, access in allowed]
        self._rules = [rule for rule in found if rule is not None]
        self._ruleset: Any = None  # of this process, until it is enforced

    def prepare(self) -> tuple[int, ...]:
        """Make the rules of this process but for its directory; return what to keep open."""
        from utils.landlock import Ruleset  # noqa: PLC0415 - same

        self._ruleset = Ruleset.create()
        if self._ruleset is None:
            return ()
        for rule in self._rules:
            self._ruleset.add(rule)
        return (self._ruleset.descriptor,)

    def enclose(self, directory: str) -> None:
        """Allow writing below `directory` alone, and no look at what lies beside it."""
        from utils.landlock import Access  # noqa: PLC0415 - same

        if _folder_of(directory) != self._folder:
            raise ValueError(f"{directory} does not lie in {self._folder}")
        if self._ruleset is None and not self.prepare():
            return
        with self._ruleset:
            self._ruleset.allow(directory, Access.READ | Access.WRITE)
            self._ruleset.enforce()

    def close(self) -> None:
        """Forget what was looked up."""
        for rule in self._rules:
            rule.close()


def is_shared_memory_used() -> bool:
    """Tell whether there is a file in the shared memory of this sandbox, which is its jobs' own."""
    return bool(_names(_SHARED_MEMORY))


def _limit(limits: Mapping[str, Sequence[int]]) -> None:
    for name, wanted in limits.items():
        kind = getattr(resource, name)
        _soft, most = resource.getrlimit(kind)
        soft, hard = (one if most == resource.RLIM_INFINITY else min(one, most) for one in wanted)
        resource.setrlimit(kind, (soft, hard))


def _folder_of(directory: str) -> str:
    return os.path.dirname(directory)  # noqa: PTH120 - pathlib costs each job 6 ms


def _readable(last: str) -> list[str]:
    """Return what may be read: everything but the folder `last`, where jobs lie, and /tmp.

    Others may use them too. A rule holds for all below a path, so what lies on the way to that
    folder is listed piece by piece.
    """
    found: list[str] = []
    folder = "/"
    for step in [*last.split("/")[1:], ""]:
        if folder == last:
            break
        onward = os.path.join(folder, step)  # noqa: PTH118 - same
        closed = {onward, "/tmp", "/dev"}  # noqa: S108 - not to write there, to keep from it
        beside = (os.path.join(folder, name) for name in _names(folder))  # noqa: PTH118 - same
        found += [path for path in beside if path not in closed]
        folder = onward
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - same
    except OSError:
        return []
