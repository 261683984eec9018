"""Named lines at which a test may end the process, to see what the next start repairs."""

import os
import signal

_NAME, _, _ACTION = os.environ.get("TRUELINE_FAILPOINT", "").partition(":")


def failpoint(name: str) -> None:
    """End this process here when `TRUELINE_FAILPOINT=name:kill9` is set; else do nothing."""
    if _NAME and name == _NAME and _ACTION == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
