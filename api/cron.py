"""Reads a cron line into the values that each of its five fields allows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from utils.errors import TruelineError
from utils.suggest import did_you_mean

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ITEM = re.compile(r"(?P<first>\*|[0-9a-z]+)(-(?P<last>[0-9a-z]+))?(/(?P<step>\d+))?")


class ScheduleError(TruelineError):
    """A schedule or a time zone cannot be used; `field` is the deployment's field at fault."""

    def __init__(self, reason: str, advice: str, field: str = "schedule") -> None:
        super().__init__(reason, advice)
        self.field = field


@dataclass(frozen=True)
class Field:
    """One field's name and limits; `names` stand for the numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("weekday", 0, 7, WEEKDAYS),  # 0 and 7 are both Sunday
)


@dataclass(frozen=True)
class CronLine:
    """What each field allows."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]  # 0 is Sunday
    every_hour: bool
    either_day: bool  # day and weekday are both given: cron then runs on either


def read_cron_line(text: str) -> CronLine:
    """Read `text`, five fields or a shorthand such as @daily; raises ScheduleError."""
    line = SHORTHANDS.get(text, text)
    words = [(match[0], match.start() + 1) for match in re.finditer(r"\S+", line)]
    if len(words) != len(FIELDS):
        raise ScheduleError(
            f"schedule {text!r}: a cron line has 5 fields, this has {len(words)}",
            "write minute hour day month weekday as in '0 6 * * mon-fri', or 'every 15m'",
        )
    minutes, hours, days, months, weekdays = (
        _values(word, column, field) for (word, column), field in zip(words, FIELDS, strict=True)
    )
    starred = [word.startswith("*") for word, _ in words]
    return CronLine(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({day % 7 for day in weekdays})),
        every_hour=starred[1],
        either_day=not starred[2] and not starred[4],
    )


def _values(word: str, column: int, field: Field) -> tuple[int, ...]:
    values: set[int] = set()
    for item in word.lower().split(","):
        try:
            values.update(_item_values(item, field))
        except ValueError as error:
            number = FIELDS.index(field) + 1
            raise ScheduleError(
                f"schedule: field {number} ({field.name}, column {column}) {word!r}: {error}",
                f"{field.name} takes *, {field.low}-{field.high}"
                f"{' or ' + field.names[0] + '-' + field.names[-1] if field.names else ''}, "
                "lists a,b, ranges a-b and steps */n",
            ) from error
    return tuple(sorted(values))


def _item_values(item: str, field: Field) -> Iterator[int]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"{item!r} cannot be read")
    step = int(match["step"] or 1)
    if match["first"] == "*":
        first, last = field.low, field.high
    else:
        first = _number(match["first"], field)
        last = _number(match["last"], field) if match["last"] else first
        if match["step"] and not match["last"]:
            raise ValueError(f"a step needs a range, as in {first}-{field.high}/{step}")
    if step == 0 or first > last:
        raise ValueError(f"{item!r} allows nothing")
    return iter(range(first, last + 1, step))


def _number(word: str, field: Field) -> int:
    if word in field.names:
        return field.names.index(word) + field.low
    if not word.isdecimal():
        raise ValueError(f"{word!r} is not a {field.name}{did_you_mean(word, field.names)}")
    if not field.low <= int(word) <= field.high:
        raise ValueError(f"{word} is not within {field.low}-{field.high}")
    return int(word)
