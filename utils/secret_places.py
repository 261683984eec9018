"""Where the secrets of a config are: which to keep as secrets, and which are references."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from utils.pointers import children, value_at, with_values
from utils.references import BadReference, parse_reference, without_escape


@dataclass(frozen=True)
class SortedSecrets:
    """A config whose secrets are told apart, no place inside another.

    `texts` are the new texts at or below the secrets, `faults` pointers and messages.
    """

    config: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...]
    references: tuple[str, ...]
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    faults: tuple[tuple[str, str], ...] = ()


def outermost(pointers: Iterable[str]) -> tuple[str, ...]:
    """Return those pointers that lead to nothing inside of what another one leads to."""
    found = set(pointers)
    return tuple(sorted(one for one in found if not _is_inside(one, found)))


def sorted_secrets(
    config: dict[str, Any],
    places: Iterable[str],
    kept: Collection[str] = (),
    references: Collection[str] = (),
) -> SortedSecrets:
    """Tell references from secrets among the texts at or below these places of a config.

    What is at or below `kept` is taken as it is; `references` are known to be some. A secret
    object that holds a reference becomes several secrets beside it.
    """
    places, kept = tuple(places), frozenset(kept)
    found = set(references)
    faults, texts, changed = [], [], {}
    for pointer, text in (one for place in places for one in _texts(config, place)):
        if pointer in found or pointer in kept or _is_inside(pointer, kept):
            continue
        texts.append((pointer, text))
        try:
            if parse_reference(text) is not None:
                found.add(pointer)
        except BadReference as error:
            faults.append((pointer, str(error)))
        if without_escape(text) != text:
            changed[pointer] = without_escape(text)
    holders = frozenset(above for one in found for above in _above(one))
    secrets = tuple(
        one
        for place in places
        for one in _around(place, value_at(config, place), holders)
        if one not in found
    )
    return SortedSecrets(
        with_values(config, changed),
        secrets,
        tuple(sorted(found)),
        tuple(texts),
        tuple(faults),
    )


def _texts(config: Any, place: str) -> Iterator[tuple[str, str]]:
    pending = [(place, value_at(config, place))]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, str):
            yield pointer, value
        pending += children(pointer, value)


def _around(pointer: str, value: Any, holders: Collection[str]) -> Iterator[str]:
    """Yield what there is beside the references below a pointer, if it is one of their holders."""
    if pointer not in holders:
        yield pointer
        return
    for place, item in children(pointer, value):
        yield from _around(place, item, holders)


def _is_inside(pointer: str, others: Collection[str]) -> bool:
    return any(above in others for above in _above(pointer))


def _above(pointer: str) -> Iterator[str]:
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer
