"""`make bench`: every ratio of the README, measured one after another in one run."""

import importlib
import logging
import os
import platform
import signal
import sys
import time

import structlog

from bench.rows import NotMeasured, Row, all_hold, print_rows

MODULES = (
    *("environments", "source", "sync", "jobs", "parallel", "intake", "recording", "results"),
    *("flatness", "peers"),
)


def main(names: list[str]) -> int:
    """Measure the named benchmarks, or all; return 0 when every goal holds."""
    if unknown := [name for name in names if name not in MODULES]:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(MODULES)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended on the way
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    rows: list[Row | NotMeasured] = []
    for name in names or MODULES:
        started = time.monotonic()
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows.extend(importlib.import_module(f"bench.{name}").measure())
        print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print_rows(rows)
    return 0 if all_hold(rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing that was started is left")
