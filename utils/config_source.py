"""Where an integration's configuration comes from: read when it is needed, kept for a minute."""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from utils.integration_errors import IntegrationError, IntegrationTemporaryError

KEPT_SECONDS = 60.0

ReadConfig = Callable[[], Mapping[str, Any] | None]


class Reading(NamedTuple):
    """What was read, and the number of that reading."""

    values: Mapping[str, Any] | None  # None: there is no configuration
    number: int


class ConfigSource:
    """One source, to be shared by all instances that use it: what is invalidated is so for all.

    A source that cannot be read is an error. What was read before is not used then: it may have
    been switched off since.
    """

    def __init__(
        self,
        read: ReadConfig,
        kept_seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._kept_seconds = kept_seconds
        self._clock = clock
        self._lock = Lock()
        self._reading = Reading(None, 0)
        self._fresh_until: float | None = None

    def reading(self) -> Reading:
        """Return the configuration, read anew once a minute; raises an error of the tree."""
        with self._lock:
            if self._fresh_until is None or self._clock() >= self._fresh_until:
                self._fresh_until = None
                self._reading = Reading(self._values(), self._reading.number + 1)
                self._fresh_until = self._clock() + self._kept_seconds
            return self._reading

    def invalidate(self) -> None:
        """Read anew at the next use."""
        with self._lock:
            self._fresh_until = None

    def _values(self) -> Mapping[str, Any] | None:
        try:
            return self._read()
        except IntegrationError:
            raise
        except Exception as error:  # noqa: BLE001 - a source of the author's may raise anything
            kind = type(error).__name__
        raise IntegrationTemporaryError(
            f"the configuration cannot be read ({kind})", "see whether its source is up"
        )
