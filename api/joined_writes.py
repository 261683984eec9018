"""Several writes that are one transaction: all of them are recorded, or none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection


class JoinedWrites:
    """The writes of one thread; the first opens the transaction and begins it."""

    def __init__(
        self, open_transaction: Callable[[], Connection], begin: Callable[[Connection], None]
    ) -> None:
        self._open = open_transaction
        self._begin = begin
        self._connection: Connection | None = None
        self._has_failed = False

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """Give out the transaction; after an error in a part nothing can follow but its end."""
        if self._has_failed:
            raise RuntimeError("a write that was joined to this one has failed")
        try:
            if self._connection is None:
                self._connection = self._open()
                self._begin(self._connection)
            yield self._connection
        except BaseException:
            self._has_failed = True
            raise
