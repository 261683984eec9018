"""A PostgreSQL of its own, for what lives longer than a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import PostgreSQL


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server; yields the URL of an empty database."""
    server = PostgreSQL()
    try:
        yield server.url(server.create())
    finally:
        server.close()
