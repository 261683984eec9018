"""A clock that nobody waits for: a wait moves it on, so that retries are played in no time."""

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from utils.deadline import seconds_left


class VirtualClock:
    """Real time, and all the waits that were not waited."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._time = time.time

    def now(self) -> float:
        """Return seconds since 1970."""
        return self._time() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Wait, in no time."""
        self._ahead += max(0.0, seconds)

    async def async_sleep(self, seconds: float) -> None:
        """Do so where others await."""
        self.sleep(seconds)

    def hook_http(self, setup: ModuleType, replace: Callable[[Any, str, Any], None]) -> None:
        """Give clients of `utils.http` this clock, unless their maker gave them another."""
        edges = setup.Edges(self.now, self.sleep, self.async_sleep, lambda: 0.5, seconds_left)
        make = setup.HTTPSetup.__init__

        def with_clock(one: Any, *args: Any) -> None:
            make(one, *args)
            if one.options.edges == setup.Edges():
                one.options = one.options._replace(edges=edges)

        replace(setup.HTTPSetup, "__init__", with_clock)
