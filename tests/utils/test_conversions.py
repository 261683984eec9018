import dataclasses
import decimal
import enum
import fractions
import numbers
import pathlib
import uuid
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, ClassVar

import pydantic
import pytest

from utils.errors import InvalidResult
from utils.jsonable import jsonable


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Place(enum.Enum):
    ROOT = pathlib.PurePosixPath("/")


class Name(str):
    __slots__ = ()


class Count(int):
    pass


class Ratio(float):
    pass


@dataclasses.dataclass
class Host:
    name: str
    seen: date
    known: ClassVar[int] = 3
    tags: frozenset[str] = frozenset()


class Model(pydantic.BaseModel):
    at: datetime
    inner: "Model | None" = None


class Failing(pydantic.BaseModel):
    def model_dump(self, **_options: Any) -> dict[str, Any]:
        raise RuntimeError("no")


Point = namedtuple("Point", "x y")  # noqa: PYI024 - the untyped kind is what is tested
MOMENT = datetime(2026, 11, 20, 5, 30, 1, 500, UTC)

CONVERTED: list[tuple[Any, Any]] = [
    (MOMENT, "2026-11-20T05:30:01.000500+00:00"),
    (MOMENT.replace(tzinfo=None, microsecond=0), "2026-11-20T05:30:01"),
    (date(2026, 11, 20), "2026-11-20"),
    (time(5, 30), "05:30:00"),
    (timedelta(0), "PT0S"),
    (timedelta(days=2), "P2D"),
    (timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=500), "P1DT2H3M4.5S"),
    (timedelta(minutes=-90), "-PT1H30M"),
    (timedelta(microseconds=1), "PT0.000001S"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (decimal.Decimal("1.10"), "1.10"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (pathlib.Path("a"), "a"),
    (Colour.RED, "red"),
    (Level.LOW, 1),
    (Place.ROOT, "/"),
    (Name("x"), "x"),
    (Count(3), 3),
    (Ratio(0.5), 0.5),
    (fractions.Fraction(1, 4), 0.25),
    ({"b", "a"}, ["a", "b"]),
    (frozenset({3, 1}), [1, 3]),
    ({1, "1", None}, ["1", 1, None]),
    ((1, (2,)), [1, [2]]),
    (Point(1, 2), [1, 2]),
    (deque([1]), [1]),
    (range(3), [0, 1, 2]),
    ({"b": 1, "a": 2}.keys(), ["b", "a"]),
    ({"b": 1}.values(), [1]),
    ({"b": 1}.items(), [["b", 1]]),
    (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (defaultdict(list, a=[1]), {"a": [1]}),
    (Counter("aab"), {"a": 2, "b": 1}),
    (UserDict(a=1), {"a": 1}),
    (ChainMap({"a": 1}), {"a": 1}),
    (MappingProxyType({"a": 1}), {"a": 1}),
    (
        Host("h", date(2026, 1, 2), tags=frozenset({"t"})),
        {"name": "h", "seen": "2026-01-02", "tags": ["t"]},
    ),
    (
        Model(at=MOMENT, inner=Model(at=MOMENT)),
        {
            "at": "2026-11-20T05:30:01.000500+00:00",
            "inner": {"at": "2026-11-20T05:30:01.000500+00:00", "inner": None},
        },
    ),
    ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
    ({0.5: "a", False: "b"}, {"0.5": "a", "false": "b"}),
    ({date(2026, 1, 2): 1, Colour.RED: 2}, {"2026-01-02": 1, "red": 2}),
    ({Name("n"): 1}, {"n": 1}),
]


@pytest.mark.parametrize(("value", "expected"), CONVERTED)
def test_each_row_of_the_table(value: Any, expected: Any) -> None:
    converted = jsonable({"value": value}, "data", 10_000)["value"]
    assert converted == expected
    assert type(converted) is type(expected)


class NumpyLikeInteger:
    """What numpy's integers are to `numbers`, without numpy."""

    def __int__(self) -> int:
        return 7


class NumpyLikeFloat:
    def __float__(self) -> float:
        return 0.5


def test_numbers_of_other_libraries_become_numbers() -> None:
    numbers.Integral.register(NumpyLikeInteger)
    numbers.Real.register(NumpyLikeFloat)
    values = [NumpyLikeInteger(), NumpyLikeFloat(), type("bool_", (), {"__module__": "numpy"})()]
    assert jsonable(values, "data", 100) == [7, 0.5, True]


def test_a_conversion_that_raises_names_the_place() -> None:
    with pytest.raises(InvalidResult, match=r"data\.a\[0\]: converting Failing .* RuntimeError"):
        jsonable({"a": [Failing()]}, "data", 100)


def test_a_dataclass_that_holds_itself_is_a_cycle() -> None:
    host = Host("h", date(2026, 1, 2))
    host.name = host  # type: ignore[assignment]  # on purpose
    with pytest.raises(InvalidResult, match=r"data\.a\.name: it contains itself"):
        jsonable({"a": host}, "data", 100)
