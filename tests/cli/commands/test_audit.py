from collections.abc import Callable
from typing import Any


def test_changes_are_listed_with_who_made_them(live: Callable[..., Any]) -> None:
    assert live("init").code in {0, 3}  # one of the integrations is crooked
    rows = live("audit", "--action", "init.init", "--json").json
    assert rows
    assert {row["principal"] for row in rows} == {"loopback"}
    shown = live("audit", "--limit", "5", "--changed")
    assert "init.init" in shown.out
    assert "changed" in shown.out
    assert live("audit", "--object", "nothing", "--since", "2026-01-01T00:00:00Z").out.strip() == (
        "nothing was changed yet"
    )


def test_log_that_cannot_be_read_is_told(trueline: Callable[..., Any]) -> None:
    assert trueline("audit").code == 3
