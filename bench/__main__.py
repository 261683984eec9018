"""`make bench`: every ratio of the README, measured one after another in one run."""

import importlib
import logging
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Iterator

import structlog

from bench.rows import NotMeasured, Row, all_hold, print_rows

MODULES = (
    *("environments", "source", "sync", "jobs", "parallel", "intake", "recording", "postgresql"),
    *("results", "flatness", "lists", "posting", "operation", "peers"),
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
        rows.extend(_measured(name))
        print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print_rows(rows)
    return 0 if all_hold(rows) else 1


def _measured(name: str) -> Iterator[Row | NotMeasured]:
    """Yield a benchmark's rows; one that fails costs none of the others theirs."""
    try:
        yield from importlib.import_module(f"bench.{name}").measure()
    except Exception as error:  # noqa: BLE001 - told in the table, and the others go on
        traceback.print_exc()
        yield NotMeasured(name, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing that was started is left")
