"""One measured ratio, and how the table of them is printed."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` beside `bare`, both in `unit`; `ratio` is what the goal speaks of."""

    what: str
    ours: float
    bare: float
    unit: str
    goal: str
    ratio: float
    holds: bool


def at_most(what: str, ours: float, bare: float, unit: str, goal: float) -> Row:
    """Return a row whose goal is ours <= goal x bare."""
    ratio = ours / bare
    return Row(what, ours, bare, unit, f"<= {goal:g} x", ratio, ratio <= goal)


def at_least(what: str, ours: float, bare: float, unit: str, goal: float) -> Row:
    """Return a row whose goal is ours >= goal x bare."""
    ratio = ours / bare
    return Row(what, ours, bare, unit, f">= {goal:g} x", ratio, ratio >= goal)


def print_rows(rows: Iterable[Row]) -> None:
    """Print the table."""
    line = "{:<62} {:>11} {:>11} {:>6} {:>10}  {}"
    print(line.format("what", "ours", "bare", "ratio", "goal", "holds"))
    for row in rows:
        ours, bare = (f"{_short(value)} {row.unit}" for value in (row.ours, row.bare))
        holds = "yes" if row.holds else "NO"
        print(line.format(row.what, ours, bare, f"{row.ratio:.2f}", row.goal, holds))


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
