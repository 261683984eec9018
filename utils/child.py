"""Entry of the child process: one job, or a warm process that forks a child for each job."""

import faulthandler
import os
import sys

WARM = "warm"  # the first argument of a warm process; its integration and snapshot follow


def main() -> None:
    """Do what stdin says, or what the arguments say, and leave with 0 once all of it is done."""
    prepare_process()
    from utils.job_child import leave, run_job  # noqa: PLC0415 - importable only once sys.path is set

    code = 1
    try:
        if sys.argv[1:2] == [WARM]:
            serve_warm(*sys.argv[2:])
        else:
            run_job()
        code = 0
    except BaseException:  # noqa: BLE001 - the process's edge: the worker reads code and stderr
        sys.excepthook(*sys.exc_info())
    finally:
        leave(code)


def prepare_process() -> None:
    """Set what must hold before any code of the plugin runs."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - pathlib costs each job 6 ms
    sys.dont_write_bytecode = True  # snapshot and environment are shared and stay as they are
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper at start
    faulthandler.enable()  # a crash in C code leaves its Python stack in the log


def serve_warm(integration: str, snapshot: str) -> None:
    """Load an integration once, then fork a child for each job."""
    from utils.warm_child import WarmChild  # noqa: PLC0415 - only where a process is warm

    del sys.argv[1:]  # a plugin sees what it would see in a fresh interpreter
    WarmChild(integration, snapshot).serve()


if __name__ == "__main__":
    main()
