"""Entry of the child process: one job, or a warm process that forks a child for each job."""

import faulthandler
import json
import os
import sys

PRELOADED = "preloaded"  # the same, but modules follow: it imports them and no integration
WARM = "warm"  # the first argument of a warm process; its integration, snapshot and time follow
WAY_OUT = "TRUELINE_WAY_OUT"  # the variable of utils.egress, which costs an import
CONFINED = "confined"  # the first argument of a job's child with walls of its own; they follow


def main() -> None:
    """Do what stdin says, or what the arguments say, and leave with 0 once all of it is done."""
    prepare_process()
    from utils.job_child import leave, run_job  # noqa: PLC0415 - importable only once sys.path is set

    code = 1
    try:
        kind, *arguments = sys.argv[1:] or [""]
        del sys.argv[1:]  # a plugin sees what it would see without us
        if sys.flags.no_site:
            seal_and_find_packages()
        if kind == WARM:
            serve_warm(arguments[0], arguments[1], float(arguments[2]))
        elif kind == PRELOADED:
            serve_warm("", "", 0.0, modules=arguments)
        else:
            if kind == CONFINED:
                confine_job(*arguments)
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


def seal_and_find_packages() -> None:
    """Do what the interpreter left to us: in a sandbox no package may run code before the seal."""
    import site  # noqa: PLC0415 - would run code of packages in some Pythons

    from utils.confinement import await_closed, seal  # noqa: PLC0415 - only in a sandbox

    told = sys._xoptions  # noqa: SLF001 - documented, and private to CPython
    if closer := told.get("closer"):
        await_closed(int(closer))
    guard = told.get("guard")
    seal(None if guard is None else int(guard))
    if WAY_OUT in os.environ:
        from utils.egress import open_way_out  # noqa: PLC0415 - only where it is the way out

        open_way_out(os.environ)
    site.main()


def confine_job(walls: str) -> None:
    """Put the walls of a job around this process."""
    from utils.confinement import confine  # noqa: PLC0415 - only where there are any

    confine(json.loads(walls))


def serve_warm(
    integration: str, snapshot: str, timeout_seconds: float, modules: "list[str] | None" = None
) -> None:
    """Load an integration once, or modules alone, then fork a child for each job."""
    from utils.child_start import Again  # noqa: PLC0415 - only where a process is warm
    from utils.confinement import (  # noqa: PLC0415 - same
        Enclosure,
        confine,
        is_shared_memory_used,
    )
    from utils.warm_child import Walls, WarmChild, Warmth  # noqa: PLC0415 - same

    if not sys.flags.no_site:
        walls = Walls(lambda request: confine(request["confine"]))
    else:
        # Its own directory lies beside those of its jobs.
        enclosure = Enclosure(os.path.dirname(os.getcwd()))  # noqa: PTH109, PTH120 - as above
        again = Again(enclosure.prepare, is_shared_memory_used)
        walls = Walls(lambda request: confine(request["confine"], enclosure), again)
    WarmChild(Warmth(integration, snapshot, timeout_seconds, modules), walls).serve()


if __name__ == "__main__":
    main()
