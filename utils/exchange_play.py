"""A job whose HTTP exchanges are recorded or replayed: its tape, and what it reports of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from utils.events import Channel
from utils.exchange_faults import Fault, Spoiled, spoiled
from utils.exchange_file import Exchange, exchange_of
from utils.exchange_hooks import hooked
from utils.exchange_secrets import Stripper
from utils.exchange_tape import Player, Recorder, Tape

RECORD, REPLAY = "record", "replay"


class _TapedChannel:
    """Tells a tape which task runs, and passes everything on."""

    def __init__(self, channel: Channel) -> None:
        self.tape: Tape | None = None
        self._channel = channel

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event."""
        if self.tape is not None and event["type"] == "task_started":
            self.tape.task = event["task"]
        self._channel.send(event)

    def send_result(self, result: str) -> None:
        """Send a result."""
        self._channel.send_result(result)

    def mention(self, event: Mapping[str, Any]) -> None:
        """Send a small event, or leave it out."""
        self._channel.mention(event)

    def send_exchange(self, exchange: Exchange) -> None:
        """Send what was recorded."""
        self._channel.send({"type": "exchange", "exchange": exchange.as_json()})


@contextmanager
def taped(order: Mapping[str, Any], channel: Channel) -> Iterator[Channel]:
    """Record or replay what happens inside; yield the channel to report on.

    `order` is `{"mode": "record" | "replay", "secrets": [...], "entries"?, "spoil"?}`, with the
    secret values of the config beside it.
    """
    stripper = Stripper(order["secrets"])
    channel_with_tape = _TapedChannel(channel)
    tape: Tape
    if order["mode"] == RECORD:
        tape = Recorder(stripper, channel_with_tape.send_exchange)
    else:
        entries = [exchange_of(fields) for fields in order["entries"]]
        tape = Player(entries, stripper, _spoiled(order.get("spoil"), entries))
    channel_with_tape.tape = tape
    with hooked(tape, alone=order["mode"] == REPLAY):
        yield channel_with_tape


def _spoiled(spoil: Mapping[str, Any] | None, entries: Sequence[Exchange]) -> Spoiled | None:
    if not spoil:
        return None
    found = spoiled(entries, spoil["index"], Fault(spoil["fault"]))
    return found and found._replace(times=spoil["times"])
