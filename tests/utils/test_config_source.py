from collections.abc import Mapping
from typing import Any

import pytest

from utils.config_source import ConfigSource
from utils.errors import IntegrationAuthError, IntegrationTemporaryError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Store:
    def __init__(self) -> None:
        self.values: Mapping[str, Any] | Exception | None = {"a": 1}
        self.reads = 0

    def __call__(self) -> Mapping[str, Any] | None:
        self.reads += 1
        if isinstance(self.values, Exception):
            raise self.values
        return self.values


def test_it_is_read_once_a_minute() -> None:
    clock, store = Clock(), Store()
    source = ConfigSource(store, clock=clock)
    first = source.reading()
    clock.now += 59.9
    assert source.reading() is first
    clock.now += 0.1
    assert source.reading().number == 2
    assert store.reads == 2


def test_an_invalidation_reads_anew() -> None:
    store = Store()
    source = ConfigSource(store)
    source.reading()
    store.values = {"a": 2}
    source.invalidate()
    assert source.reading().values == {"a": 2}


def test_a_source_that_is_down_is_an_error_and_the_old_values_are_not_used() -> None:
    clock, store = Clock(), Store()
    source = ConfigSource(store, clock=clock)
    source.reading()
    store.values = OSError("password=hunter22")
    clock.now += 60
    for _ in range(2):
        with pytest.raises(IntegrationTemporaryError, match=r"cannot be read \(OSError\)") as it:
            source.reading()
        assert it.value.__context__ is None
    store.values = {"a": 3}
    assert source.reading().values == {"a": 3}


def test_an_error_of_the_tree_is_passed_on() -> None:
    store = Store()
    store.values = IntegrationAuthError("the vault refused")
    with pytest.raises(IntegrationAuthError, match="the vault refused"):
        ConfigSource(store).reading()
