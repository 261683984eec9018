"""The fault matrix: each recorded exchange, spoiled in each way, and what became of it."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.fault_cells import Became, Cell, Played, cell_of, is_as_good, resting_on
from cli.local_run import Outcome, Spoil, Wish
from utils.errors import TruelineError
from utils.exchange_faults import Fault, spoiled
from utils.exchange_file import Exchange, read_exchanges

AT_ONCE = 4
PASSING = frozenset(  # what may be over at the next attempt
    {Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.REFUSED, Fault.CUT_OFF}
)

RunWish = Callable[[Wish], Outcome]
OnCell = Callable[[int, int], None]  # how many faults of how many have been played


def _say_nothing(_done: int, _total: int) -> None:
    """Hear of a fault that nobody wants to hear of."""


class ReplayFails(TruelineError):  # noqa: N818 - reads as the state it reports
    """A set of exchanges does not lead to the success that faults are measured against."""


@dataclass(frozen=True)
class Row:
    """One exchange; a fault without a cell cannot happen to it."""

    exchanges: str  # the name of its set
    label: str
    task: str
    cells: Mapping[Fault, Cell]


@dataclass(frozen=True)
class Matrix:
    """All of an integration's exchanges."""

    rows: tuple[Row, ...] = ()
    tasks: frozenset[str] = field(default_factory=frozenset)  # that have exchanges

    @property
    def quiet(self) -> tuple[str, ...]:
        """Return the cells that are a defect."""
        return tuple(
            f"{row.label} ({row.task}) x {fault}"
            for row in self.rows
            for fault, cell in row.cells.items()
            if cell.became is Became.QUIET
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as `--json` and quality.json have it."""
        return {
            "rows": [
                {
                    "set": row.exchanges,
                    "exchange": row.label,
                    "task": row.task,
                    "cells": {str(fault): cell.shown for fault, cell in row.cells.items()},
                }
                for row in self.rows
            ],
            "quiet": list(self.quiet),
        }


def merged(matrices: Iterable[Matrix]) -> Matrix:
    """Return one matrix of several."""
    found = list(matrices)
    rows = tuple(row for matrix in found for row in matrix.rows)
    return Matrix(rows, frozenset(task for matrix in found for task in matrix.tasks))


def exchange_sets(folder: Path) -> dict[str, tuple[Exchange, ...]]:
    """Return the recorded exchanges of an integration's folder, by the name of their set."""
    home = folder / "tests" / "exchanges"
    folders = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    return {path.name: read_exchanges(path) for path in folders}


def play_faults(
    sets: Mapping[str, tuple[Exchange, ...]], run: RunWish, on_cell: OnCell = _say_nothing
) -> Matrix:
    """Run what is concerned once for each fault; `run` may be called from several threads."""
    rows: list[Row] = []
    done = itertools.count(1)
    total = sum(len(_faults_at(one, index)) for one in sets.values() for index in range(len(one)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, exchanges in sets.items():
            good = _good(name, run(Wish(replay=exchanges)), exchanges)
            play = _Play(name, exchanges, good, run, lambda: on_cell(next(done), total))
            rows += pool.map(play.row, range(len(exchanges)))
    return Matrix(tuple(rows), frozenset(row.task for row in rows))


@dataclass(frozen=True)
class _Play:
    """One set of exchanges, the run without faults, and what hears of each fault."""

    name: str
    exchanges: tuple[Exchange, ...]
    good: Played
    run: RunWish
    tell: Callable[[], None]

    def row(self, index: int) -> Row:
        """Play each fault of one exchange."""
        one = self.exchanges[index]
        cells = {}
        for fault in _faults_at(self.exchanges, index):
            cells[fault] = self._cell(index, fault)
            self.tell()
        return Row(self.name, one.label, one.task, cells)

    def _cell(self, index: int, fault: Fault) -> Cell:
        task = self.exchanges[index].task
        cell = cell_of(task, self.good, self._played(Spoil(index, fault)))
        if fault not in PASSING or cell.became is Became.QUIET:
            return cell
        once = self._played(Spoil(index, fault, 1))
        return Cell(cell.became, cell.detail, is_as_good(task, self.good, once))

    def _played(self, spoil: Spoil) -> Played:
        """Run the task of the exchange and what rests on it; all, where StageOne made it."""
        task = self.exchanges[spoil.index].task
        resting = tuple(sorted(resting_on(task, self.good)))
        only = resting if task in self.good.results else None
        return _played(self.run(Wish(only, replay=self.exchanges, spoil=spoil)))


def _faults_at(exchanges: tuple[Exchange, ...], index: int) -> list[Fault]:
    return [fault for fault in Fault if spoiled(exchanges, index, fault) is not None]


def _good(name: str, outcome: Outcome, exchanges: tuple[Exchange, ...]) -> Played:
    """Return the run that faults are measured against; raises ReplayFails."""
    played = _played(outcome)
    for task in dict.fromkeys(one.task for one in exchanges):
        result = played.results.get(task)
        if result is not None and result["status"] != "success":
            raise ReplayFails(
                f"task {task!r} does not succeed with the exchanges {name!r}: {result['reason']}",
                "record them anew, or correct tests/config.json, which they were recorded with",
            )
    if not any(result["status"] == "success" for result in played.results.values()):
        reason = (outcome.end.error or {}).get("reason", "no task succeeded")
        raise ReplayFails(
            f"nothing succeeds with the exchanges {name!r}: {reason}",
            "correct tests/config.json, which they are replayed with, or record them anew",
        )
    return played


def _played(outcome: Outcome) -> Played:
    return Played({result["name"]: result for result in outcome.results}, outcome.reads)
