"""One measured ratio, and how the table of them is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` beside something else, both in `unit`; `ratio` is what the goal speaks of.

    `holds` is None where no goal is set.
    """

    what: str
    ours: float
    beside: float
    unit: str
    goal: str
    ratio: float
    holds: bool | None


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A ratio that could not be measured here, and why; its goal does not count as reached."""

    what: str
    reason: str


def at_most(what: str, ours: float, beside: float, unit: str, goal: float) -> Row:
    """Return a row whose goal is ours <= goal x beside."""
    ratio = ours / beside
    return Row(what, ours, beside, unit, f"<= {goal:g} x", ratio, ratio <= goal)


def at_least(what: str, ours: float, beside: float, unit: str, goal: float) -> Row:
    """Return a row whose goal is ours >= goal x beside."""
    ratio = ours / beside
    return Row(what, ours, beside, unit, f">= {goal:g} x", ratio, ratio >= goal)


def times_faster(what: str, ours: float, beside: float, unit: str, goal: float | None) -> Row:
    """Return a row of two durations whose goal is beside >= goal x ours."""
    ratio = beside / ours
    if goal is None:
        return Row(what, ours, beside, unit, "-", ratio, None)
    return Row(what, ours, beside, unit, f">= {goal:g} x", ratio, ratio >= goal)


def print_rows(rows: Iterable[Row | NotMeasured]) -> None:
    """Print the table."""
    known = list(rows)
    width = max((len(row.what) for row in known), default=0)
    line = f"{{:<{width}}} {{:>12}} {{:>12}} {{:>6}} {{:>10}}  {{}}"
    print(line.format("what", "ours", "beside", "ratio", "goal", "holds"))
    for row in known:
        if isinstance(row, NotMeasured):
            print(f"{row.what:<{width}} not measured: {row.reason}")
            continue
        ours, beside = (f"{_short(value)} {row.unit}" for value in (row.ours, row.beside))
        print(line.format(row.what, ours, beside, f"{row.ratio:.2f}", row.goal, _told(row)))
    print(f"\n{verdict(known)}")


def all_hold(rows: Iterable[Row | NotMeasured]) -> bool:
    """Whether every goal was measured and reached."""
    return not any(isinstance(row, NotMeasured) or row.holds is False for row in rows)


def verdict(rows: Sequence[Row | NotMeasured]) -> str:
    """Sum up a table in a sentence."""
    goals = [row for row in rows if isinstance(row, Row) and row.holds is not None]
    missed = sum(not row.holds for row in goals)
    missing = sum(isinstance(row, NotMeasured) for row in rows)
    parts = [f"{len(goals) - missed} of {len(goals)} goals hold"]
    parts += [f"{missed} missed"] if missed else []
    parts += [f"{missing} not measured"] if missing else []
    return ", ".join(parts)


def _told(row: Row) -> str:
    return {True: "yes", False: "NO", None: "-"}[row.holds]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
