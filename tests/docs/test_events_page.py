"""The lines of docs/events.md that check a signature, run on what the API signs."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from api.apprise_url import SCHEMES
from api.deliveries import KEPT, KEPT_DEAD
from api.delivery_rules import MOST_TRIES
from api.guard import PUSH_BYTES
from api.happenings import EventType
from api.posting import TRY_SECONDS
from api.signatures import key_of, new_secret, signed_headers
from api.telling import MOST_WAITING
from tests.docs.test_completeness import read

if TYPE_CHECKING:
    from tests.docs.conftest import Block

PAGE = "docs/events.md"


def test_lines_of_the_page_know_what_is_ours(read_blocks: Callable[..., "list[Block]"]) -> None:
    (block,) = read_blocks(PAGE, "python")
    names: dict[str, Any] = {}
    exec(compile(block.text, PAGE, "exec"), names)
    is_ours = names["is_from_trueline"]
    secret, body, now = new_secret(), b'{"specversion":"1.0"}', int(time.time())
    headers = signed_headers("event-1", now, body, [key_of(new_secret()), key_of(secret)])
    assert is_ours(headers, body, secret)
    assert not is_ours(headers, body + b" ", secret)
    assert not is_ours(headers, body, new_secret())
    assert not is_ours(headers | {"webhook-id": "event-2"}, body, secret)
    stale = signed_headers("event-1", now - 301, body, [key_of(secret)])
    assert not is_ours(stale, body, secret)


def test_page_names_every_type_and_scheme_and_the_limits_that_hold() -> None:
    text = " ".join(read(PAGE).split())
    assert all(f"`{one}`" in text for one in (*EventType, *SCHEMES))
    assert (MOST_TRIES, TRY_SECONDS, MOST_WAITING) == (10, 15, 10_000)
    for said in ("After ten tries", "has 15 seconds", "10,000 messages", "more than 8 MiB"):
        assert said in text
    assert PUSH_BYTES == 8 * 1024**2
    assert f"kept for {KEPT.days} days, dead ones for {KEPT_DEAD.days}" in text
