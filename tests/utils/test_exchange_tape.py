"""Tests of recorder and player."""

import pytest

from utils.errors import IntegrationPermanentError
from utils.exchange_faults import Fault, Trouble, spoiled
from utils.exchange_file import LIMIT_BYTES, Exchange, Reply, Request
from utils.exchange_secrets import Stripper
from utils.exchange_tape import Player, Recorder


def ask(url: str, body: bytes | None = None, method: str = "GET") -> Request:
    return Request(method, url, {}, body)


def kept(url: str, number: int, **more: object) -> Exchange:
    made = Exchange("list", "GET", url, {}, None, 200, {}, {"json": number})
    return made._replace(**more)  # type: ignore[arg-type]  # fields of the tuple


def answered(player: Player, url: str) -> bytes:
    outcome = player.answer(ask(url))
    assert isinstance(outcome, Reply)
    return outcome.body


def test_the_nth_request_gets_the_nth_answer_and_the_last_repeats() -> None:
    player = Player([kept("https://x/a", 1), kept("https://x/a", 2)], Stripper())

    assert [answered(player, "https://x/a") for _ in range(3)] == [b"1", b"2", b"2"]


def test_a_task_gets_the_answers_that_it_recorded() -> None:
    recorded = [kept("https://x/a", number, task=task) for number, task in enumerate("aabb")]
    player = Player(recorded, Stripper())
    asked = []
    for player.task in ("b", "a", "b", "b", "new", "a"):
        asked.append(answered(player, "https://x/a"))

    assert asked == [b"2", b"0", b"3", b"3", b"1", b"1"]


def test_a_request_matches_with_its_secrets_taken_out() -> None:
    player = Player([kept("https://x/a?api_key=***", 1)], Stripper(["another-one"]))

    assert answered(player, "https://u:p@x/a?api_key=another-one") == b"1"


def test_a_body_belongs_to_a_request_whatever_its_blanks() -> None:
    post = kept("https://x/a", 1, method="POST", request_body={"json": {"q": 1, "r": 2}})
    player = Player([post], Stripper())

    assert player.answer(ask("https://x/a", b'{"r":2,"q":1}', "POST"))
    with pytest.raises(IntegrationPermanentError, match="with this body"):
        player.answer(ask("https://x/a", b'{"q": 2}', "POST"))


def test_an_unknown_request_is_a_permanent_error_that_names_it() -> None:
    player = Player([kept("https://x/items", 1)], Stripper())

    with pytest.raises(IntegrationPermanentError, match=r"GET https://x/item .*did you mean") as e:
        player.answer(ask("https://x/item"))

    assert "--record" in e.value.advice


def test_a_spoiled_exchange_stays_spoiled_and_others_are_as_recorded() -> None:
    exchanges = [kept("https://x/a", 1), kept("https://x/a", 2), kept("https://x/b", 3)]
    player = Player(exchanges, Stripper(), spoiled(exchanges, 1, Fault.TIMEOUT))

    assert answered(player, "https://x/a") == b"1"
    assert [player.answer(ask("https://x/a")) for _ in range(2)] == [Trouble(Fault.TIMEOUT)] * 2
    assert answered(player, "https://x/b") == b"3"


def test_a_fault_that_happens_once_is_over_at_the_next_attempt() -> None:
    exchanges = [kept("https://x/a", 1), kept("https://x/a", 2)]
    fault = spoiled(exchanges, 0, Fault.REFUSED)
    assert fault is not None
    player = Player(exchanges, Stripper(), fault._replace(times=1))

    assert player.answer(ask("https://x/a")) == Trouble(Fault.REFUSED)
    assert [answered(player, "https://x/a") for _ in range(2)] == [b"1", b"2"]


def test_a_recorder_lets_everything_through_and_keeps_it_without_secrets() -> None:
    taken: list[Exchange] = []
    recorder = Recorder(Stripper(["s3cr3t-token"]), taken.append)
    recorder.task = "list_items"

    recorder.answer(ask("https://x/s3cr3t-token"))
    recorder.keep(ask("https://x/s3cr3t-token"), Reply(200, {}, b"s3cr3t-token"))

    assert [(one.task, one.url, one.body) for one in taken] == [
        ("list_items", "https://x/***", {"text": "***"})
    ]


def test_a_body_that_is_too_large_is_told_and_not_kept() -> None:
    taken: list[Exchange] = []

    with pytest.raises(IntegrationPermanentError, match="cannot be recorded"):
        Recorder(Stripper(), taken.append).keep(
            ask("https://x/a"), Reply(200, {}, b" " * (LIMIT_BYTES + 1))
        )

    assert taken == []
