"""Landlock: a Linux process gives up parts of the file system for itself and all it starts.

https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import stat
from enum import IntFlag
from types import TracebackType
from typing import NamedTuple, Self

from utils.system_calls import prctl, system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK = 1 << 6, 1 << 7, 1 << 8, 1 << 9
_MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = 1 << 10, 1 << 11, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_FILE_RIGHTS = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 5: 1 << 16}  # from which version, below which
SCOPES_FROM = 6  # of signals and abstract sockets
_ABSTRACT_SOCKETS_AND_SIGNALS = 3


class Access(IntFlag):
    """What may be done below a path."""

    READ = _EXECUTE | _READ_FILE | _READ_DIR
    WRITE = (
        _WRITE_FILE
        | _REMOVE_DIR
        | _REMOVE_FILE
        | _MAKE_DIR
        | _MAKE_REG
        | _MAKE_SOCK
        | _MAKE_FIFO
        | _MAKE_SYM
        | _REFER
        | _TRUNCATE
    )
    USE_DEVICES = _WRITE_FILE | _TRUNCATE | _IOCTL_DEV
    NAMED_FILES = _READ_FILE | _WRITE_FILE | _MAKE_REG | _REMOVE_FILE | _TRUNCATE | _REFER


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """Return the version of Landlock that this kernel enforces, 0 for none."""
    try:
        return system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    except (OSError, AttributeError):  # an old kernel, one that has it off, or none of Linux
        return 0


class Rule(NamedTuple):
    """What will be allowed below one path, for as many rulesets as want it."""

    allowed: int
    parent: int  # the descriptor of the path

    @classmethod
    def open(cls, path: str, access: Access) -> Self | None:
        """Return the rule; None for what is not there, or a link."""
        try:
            parent = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        mode = os.fstat(parent).st_mode
        if stat.S_ISLNK(mode):
            os.close(parent)
            return None
        return cls(access & (-1 if stat.S_ISDIR(mode) else _OF_FILES), parent)

    def close(self) -> None:
        """Close its path; rulesets that have it keep it."""
        os.close(self.parent)


class Ruleset(NamedTuple):
    """What will be allowed: paths are added, then it is enforced on this process."""

    descriptor: int
    handled: int

    @classmethod
    def create(cls) -> Self | None:
        """Begin with nothing allowed, neither signals nor sockets to outside; None without it."""
        version = landlock_version()
        if version == 0:
            return None
        top = next(
            right for since, right in sorted(_FILE_RIGHTS.items(), reverse=True) if version >= since
        )
        scoped = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= SCOPES_FROM else 0
        attributes = _Attributes(top - 1, 0, scoped)
        size = ctypes.c_size_t(ctypes.sizeof(attributes) if scoped else 8)
        made = system_call(_CREATE_RULESET, ctypes.byref(attributes), size, ctypes.c_uint32(0))
        return cls(made, top - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self.descriptor)

    def add(self, rule: "Rule") -> None:
        """Allow what a rule says."""
        given = _PathBeneath(self.handled & rule.allowed, rule.parent)
        if given.allowed:
            kind, none = ctypes.c_int(_PATH_BENEATH), ctypes.c_uint32(0)
            descriptor = ctypes.c_int(self.descriptor)
            system_call(_ADD_RULE, descriptor, kind, ctypes.byref(given), none)

    def allow(self, path: str, access: Access) -> None:
        """Allow `access` below a path; what is not there, or a link, is passed over."""
        rule = Rule.open(path, access)
        if rule is not None:
            self.add(rule)
            rule.close()

    def enforce(self) -> None:
        """Restrict this process and all that it starts from now on."""
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        system_call(_RESTRICT_SELF, ctypes.c_int(self.descriptor), ctypes.c_uint32(0))
