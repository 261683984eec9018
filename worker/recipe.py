"""What goes into an environment, and the names that follow from it."""

import hashlib
import json
import platform
import sys
import sysconfig
from dataclasses import dataclass

from worker.requirement import Requirement

FORMAT = 1  # raise it when locks are made in another way
LAYOUT = "linked"  # change it when environments are made in another way
KEY_DIGITS = 24


@dataclass(frozen=True)
class Recipe:
    """The content of one environment; equal recipes have equal keys."""

    interpreter: str
    base: tuple[Requirement, ...]
    requirements: tuple[Requirement, ...]
    source_builds: bool
    sdk_digest: str

    @property
    def key(self) -> str:
        """The environment's name."""
        return _key([LAYOUT, self.lock_key, self.sdk_digest])

    @property
    def lock_key(self) -> str:
        """The lock's name: all that a resolution depends on, which the SDK is not part of."""
        return _key(
            [
                str(FORMAT),
                self.interpreter,
                sorted(set(self.base)),
                sorted(set(self.requirements)),
                "source builds" if self.source_builds else "wheels",
            ]
        )


def interpreter_tag() -> str:
    """Name this Python and this platform as far as installed packages depend on them."""
    return "-".join(
        (
            sys.implementation.name,
            platform.python_version(),
            str(sysconfig.get_config_var("SOABI")),
            sysconfig.get_platform(),
            "".join(platform.libc_ver()),
        )
    )


def _key(content: list[str | list[str]]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]
