from worker.child_ends import Cause
from worker.usage_watch import LOOK_SECONDS, UsageWatch


def test_it_looks_when_it_is_time() -> None:
    looks: list[int] = []

    def used() -> int:
        looks.append(1)
        return 1_000_000

    watch = UsageWatch(used, 500_000, Cause.DISK_FULL)
    due = watch.next_look_at
    assert not watch.is_exceeded(due - LOOK_SECONDS / 2)
    assert not looks
    assert watch.is_exceeded(due)
    assert watch.next_look_at > due
    assert not UsageWatch(used, 2_000_000, Cause.DISK_FULL).is_exceeded(due + 10)
