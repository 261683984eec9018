"""Tests of the clock that nobody waits for."""

import asyncio
import time

import utils.http_setup
from utils.http_setup import Edges, HTTPOptions, HTTPSetup
from utils.late_hooks import LateHooks
from utils.virtual_clock import VirtualClock

HOUR = 3600.0


def test_a_wait_moves_it_on_and_takes_no_time() -> None:
    clock, begun = VirtualClock(), time.monotonic()

    before = clock.now()
    clock.sleep(HOUR)
    asyncio.run(clock.async_sleep(HOUR))

    assert clock.now() - before >= 2 * HOUR
    assert time.monotonic() - begun < HOUR


def test_clients_get_it_until_the_hook_is_removed_unless_they_have_their_own() -> None:
    clock, own = VirtualClock(), Edges(luck=lambda: 0.0)
    hooks = LateHooks({"utils.http_setup": clock.hook_http})
    hooks.install()
    try:
        given = HTTPSetup("https://x", None, 1.0, 1, HTTPOptions())
        kept = HTTPSetup("https://x", None, 1.0, 1, HTTPOptions(edges=own))
    finally:
        hooks.remove()
    after = utils.http_setup.HTTPSetup("https://x", None, 1.0, 1, HTTPOptions())

    assert given.options.edges.sleep == clock.sleep
    assert kept.options.edges == own
    assert after.options.edges == Edges()
