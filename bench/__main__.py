"""`make bench`: every ratio of the README, measured one after another in one run."""

import importlib
import logging
import os
import platform
import sys

import structlog

from bench.rows import Row, print_rows

MODULES = ("environments", "source", "sync", "jobs", "parallel", "intake")


def main(names: list[str]) -> int:
    """Measure the named benchmarks, or all; return 0 when every goal holds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    rows: list[Row] = []
    for name in names or MODULES:
        module = importlib.import_module(f"bench.{name}")
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows.extend(module.measure())
    print_rows(rows)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
