"""Writes a large value as JSON text line by line, so that its text never stands in memory whole.

The text has a line end after every piece: a run of whole values, the beginning or the end of a
container, or one long text. Readers of JSON see none of that; the worker checks piece by piece.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from utils.errors import InvalidResult
from utils.jsonable import (
    MAX_DEPTH,
    NOT_PLAIN,
    Conversion,
    Refused,
    TooMany,
    check_size,
    dumps,
    key_step,
    key_text,
    left_of,
    shown_kind,
    simple_form,
)

PIECE_BYTES = 128 * 1024  # of a run, counted at the least: its text may take some times that
TEXT_CHARACTERS = 64 * 1024  # of a long text, at a time
KEY_CHARACTERS = 64 * 1024
_NUL = "\\u0000"
_Pair = tuple[Any, Any]  # an item, behind its key or index


def write_pieces(
    value: Any,
    path: str,
    limit_bytes: int,
    write: Callable[[bytes], None],
    piece_bytes: int = PIECE_BYTES,
) -> int:
    """Write a dict or a list as JSON text; return its size, without the line ends.

    What is not plain JSON is converted as `utils.jsonable.encoded` does it. Raises InvalidResult.
    """
    pieces = _Pieces(path, limit_bytes, write, piece_bytes)
    try:
        pieces.write_value(value, "", 1)
    except Refused as refused:
        raise refused.at(path) from None
    check_size(pieces.size_bytes, path, limit_bytes)
    return pieces.size_bytes


class _Pieces:
    """One value on its way; knows which containers are open around what it writes."""

    def __init__(
        self, path: str, limit_bytes: int, write: Callable[[bytes], None], piece_bytes: int
    ) -> None:
        self.size_bytes = 0
        self._path = path
        self._limit_bytes = limit_bytes
        self._write = write
        self._piece_bytes = piece_bytes
        self._inside: set[int] = set()

    def write_value(self, value: Any, lead: str, depth: int) -> None:
        """Write what is too large for a run, behind its `lead`: a comma, a key, both or nothing."""
        plain = simple_form(value)
        if type(plain) is str and depth > 1:
            self._write_text(plain, lead)
            return
        if not isinstance(plain, (dict, list, tuple, frozenset)):
            raise _no_container(self._path, value)
        if id(value) in self._inside:
            raise Refused("it contains itself", "return a copy without the reference to itself")
        if depth > MAX_DEPTH:
            raise Refused(f"nested deeper than {MAX_DEPTH} levels", "return a flatter structure")
        if type(plain) is frozenset:  # sorted, which takes all of it
            plain = Conversion(2 * self._limit_bytes, self._inside).of(plain, depth)
        self._inside.add(id(value))
        is_object = type(plain) is dict
        pairs = _named(plain) if is_object else enumerate(plain)
        self._put(f"{lead}{'{' if is_object else '['}\n".encode())
        self._write_items(pairs, depth, is_object=is_object)
        self._put(b"}\n" if is_object else b"]\n")
        self._inside.discard(id(value))

    def _write_items(self, pairs: Iterable[_Pair], depth: int, *, is_object: bool) -> None:
        run: list[_Pair] = []
        lead, room = "", self._piece_bytes
        for key, value in pairs:
            item, left = self._fitted(key, value, room, depth)
            if left < 0 and run:
                self._write_run(run, lead, is_object=is_object)
                lead, run = ",", []
                item, left = self._fitted(key, item, self._piece_bytes, depth)
            if left < 0:
                self._write_large(key, item, lead, depth)
                lead, room = ",", self._piece_bytes
            else:
                run.append((key, item))
                room = left - 3 - len(key) if is_object else left
        if run:
            self._write_run(run, lead, is_object=is_object)

    def _fitted(self, key: Any, value: Any, room: int, depth: int) -> tuple[Any, int]:
        """Return the item as plain JSON and what is left of the room; negative: it is too large."""
        left = _left_after(value, room, depth)
        if left > NOT_PLAIN:
            return value, left
        try:
            plain = Conversion(self._piece_bytes, self._inside).of(value, depth + 1)
        except TooMany:
            return value, -1
        except Refused as refused:
            raise _below(key, refused) from None
        return plain, _left_after(plain, room, depth)

    def _write_large(self, key: Any, item: Any, lead: str, depth: int) -> None:
        try:
            if isinstance(key, str):
                lead += f"{dumps(_checked_key(key))}:"
            self.write_value(item, lead, depth + 1)
        except Refused as refused:
            raise _below(key, refused) from None

    def _write_run(self, run: list[_Pair], lead: str, *, is_object: bool) -> None:
        whole = dict(run) if is_object else [item for _, item in run]
        try:
            text = dumps(whole)[1:-1]
            line = f"{lead}{text}\n".encode()
        except ValueError:  # NaN, infinity or a lone surrogate
            self._blame(run)
            raise
        if _NUL in text:
            self._blame(run)
        self._put(line)

    def _blame(self, run: list[_Pair]) -> None:
        """Find what in a run cannot be JSON."""
        for key, item in run:
            try:
                if isinstance(key, str):
                    _checked_key(key)
                Conversion(1 << 62).of(item, 1)
            except Refused as refused:
                raise _below(key, refused) from None

    def _write_text(self, text: str, lead: str) -> None:
        self._put(f'{lead}"'.encode())
        for start in range(0, len(text), TEXT_CHARACTERS):
            part = text[start : start + TEXT_CHARACTERS]
            simple_form(part)  # refuses what no text may hold
            self._put(dumps(part)[1:-1].encode())
        self._put(b'"\n')

    def _put(self, piece: bytes) -> None:
        self.size_bytes += len(piece) - piece.endswith(b"\n")
        if self.size_bytes <= self._limit_bytes:  # else it is only counted, to say both numbers
            self._write(piece)


def _left_after(item: Any, room: int, depth: int) -> int:
    kind = type(item)
    if kind is dict or kind is list or kind is tuple:
        return left_of(room - 2, item, depth + 1)
    return left_of(room, (item,), depth)


def _named(value: dict[Any, Any]) -> Iterator[_Pair]:
    if {str}.issuperset(map(type, value)):
        yield from value.items()
        return
    names: set[str] = set()
    for key, item in value.items():
        name = key_text(key)
        if name in names:
            raise Refused(f"two keys become {key_step(name)}", "make the keys differ as text too")
        names.add(name)
        yield name, item


def _checked_key(name: str) -> str:
    if len(name) > KEY_CHARACTERS:
        raise Refused(
            f"a key of {len(name):,} characters, allowed are {KEY_CHARACTERS:,}",
            "use shorter keys",
        )
    return key_text(name)


def _below(key: Any, refused: Refused) -> Refused:
    refused.steps.append(key_step(key) if isinstance(key, str) else f"[{key}]")
    return refused


def _no_container(path: str, value: Any) -> InvalidResult:
    return InvalidResult(
        path,
        f"expected a dict or a list, got {shown_kind(value)}",
        'wrap it: {"data": {"value": ...}}',
    )
