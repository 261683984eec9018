"""What must hold of the append-only log after every fault."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any


def check_history(
    confirmed: set[tuple[str, int, int]],
    events: Sequence[tuple[Any, ...]],
    results: Sequence[tuple[Any, ...]],
    jobs: Sequence[tuple[Any, ...]],
) -> None:
    """Compare the events in the order in which they were recorded with all else."""
    attempts = {job: attempt for job, attempt, _ in jobs}
    ended = [job for job, _, is_over in jobs if is_over]
    recorded = [(job, attempt, seq) for job, attempt, seq, _ in events]
    assert confirmed <= set(recorded), "a confirmed event was lost"
    assert len(recorded) == len(set(recorded)), "an event was recorded twice"
    order: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for job, attempt, seq, _ in events:
        order[job].append((attempt, seq))
    for job, places in order.items():
        assert places == sorted(places), f"job {job}: an older attempt wrote after a newer one"
    for job in ended:
        endings = [kind for id_, _, _, kind in events if id_ == job and kind == "job_finished"]
        assert len(endings) == 1, f"job {job} ended {len(endings)} times"
    for job, name, attempt in results:
        assert attempt == attempts[job], f"job {job}: task {name} is of an older attempt"
