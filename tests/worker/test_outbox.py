import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.lease import Lease
from worker.outbox import Outbox, OutboxFull

A = Lease("a", 1, "token-a")
B = Lease("b", 3, "token-b")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db")
    yield box
    box.close()


def test_events_of_a_job_are_numbered_from_one_and_kept_in_order(outbox: Outbox) -> None:
    assert [outbox.append(A, {"type": "output", "text": str(n)}) for n in range(3)] == [1, 2, 3]
    assert outbox.append(B, {"type": "started"}) == 1

    taken = outbox.take(10, 10_000)

    assert [(event.lease, event.seq) for event in taken] == [(A, 1), (A, 2), (A, 3), (B, 1)]
    first = json.loads(taken[0].payload)
    assert first["seq"] == 1
    assert first["type"] == "output"
    assert first["text"] == "0"
    assert first["at"].endswith("+00:00")


def test_events_that_were_kept_are_there_after_a_restart(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append(A, {"type": "started"})
    box.close()

    box = Outbox(tmp_path / "outbox.db")

    assert [event.lease for event in box.take(10, 10_000)] == [A]
    assert box.depth().events == 1
    box.close()


def test_what_append_has_kept_survives_a_kill(tmp_path: Path) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        from worker.lease import Lease
        from worker.outbox import Outbox

        box = Outbox(Path(sys.argv[1]))
        for n in range(5):
            box.append(Lease("a", 1, "t"), {"type": "output", "n": n})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "outbox.db"
    end = subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(path)], check=False)
    assert end.returncode == -signal.SIGKILL

    box = Outbox(path)

    assert [json.loads(event.payload)["n"] for event in box.take(10, 10_000)] == [0, 1, 2, 3, 4]
    box.close()


def test_a_failpoint_ends_the_process_once_the_event_is_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    program = (
        "import sys; from pathlib import Path; from worker.lease import Lease;"
        "from worker.outbox import Outbox; box = Outbox(Path(sys.argv[1]));"
        "box.append(Lease('a', 1, 't'), {'type': 'started'});"
        "box.append(Lease('a', 1, 't'), {'type': 'job_finished'})"
    )
    environ = {**os.environ, "TRUELINE_FAILPOINT": "outbox-job_finished:kill9"}
    end = subprocess.run([sys.executable, "-c", program, str(path)], env=environ, check=False)
    assert end.returncode == -signal.SIGKILL

    box = Outbox(path)

    assert [event.type for event in box.take(10, 10_000)] == ["started", "job_finished"]
    box.close()


def test_many_jobs_at_once_keep_their_own_order(outbox: Outbox) -> None:
    def report(job: int) -> list[int]:
        lease = Lease(str(job), 1, "t")
        return [outbox.append(lease, {"type": "output", "n": n}) for n in range(50)]

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(report, range(8)))

    assert numbers == [list(range(1, 51))] * 8
    for job in range(8):
        texts = [e.payload for e in outbox.take(1_000, 10**9) if e.lease.job_id == str(job)]
        assert [json.loads(text)["n"] for text in texts] == list(range(50))


def test_a_batch_is_bounded_by_events_and_by_bytes_but_never_empty(outbox: Outbox) -> None:
    for _ in range(5):
        outbox.append(A, {"type": "output", "text": "x" * 1_000})

    assert len(outbox.take(3, 10**9)) == 3
    assert len(outbox.take(100, 2_500)) == 2
    assert len(outbox.take(100, 1)) == 1


def test_confirmed_events_are_gone_and_the_rest_stays(outbox: Outbox) -> None:
    for _ in range(4):
        outbox.append(A, {"type": "output"})
    outbox.append(B, {"type": "output"})

    outbox.confirm([(A, 2)])

    left = [(event.lease.job_id, event.seq) for event in outbox.take(10, 10_000)]
    assert left == [("a", 3), ("a", 4), ("b", 1)]
    assert outbox.depth().events == 3


def test_a_dropped_attempt_leaves_nothing(outbox: Outbox) -> None:
    outbox.append(A, {"type": "output"})
    outbox.append(A, {"type": "output"})

    assert outbox.drop(A) == 2

    assert outbox.take(10, 10_000) == ()
    assert outbox.wait_until_empty(5)


def test_replace_puts_one_last_event_in_place_of_all_the_others(outbox: Outbox) -> None:
    for _ in range(3):
        outbox.append(A, {"type": "output"})

    outbox.replace(A, 2, {"type": "job_finished", "status": "failed"})

    assert [(event.seq, event.type) for event in outbox.take(9, 9_999)] == [(2, "job_finished")]


def test_a_full_outbox_says_so_and_has_a_reserve_for_the_last_word(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", limit_bytes=3_000)
    for _ in range(2):
        box.append(A, {"type": "output", "text": "x" * 1_000})
    with pytest.raises(OutboxFull, match="no room for") as caught:
        box.append(A, {"type": "output", "text": "x" * 1_000})

    assert "limit 3000" in caught.value.reason
    assert caught.value.advice
    assert box.is_filling
    assert box.put(A, {"type": "job_finished"}, reserve=True).result().seq == 3

    box.drop(A)

    assert not box.is_filling
    box.close()


def test_depth_tells_how_much_waits_and_since_when(outbox: Outbox) -> None:
    assert outbox.depth().oldest_seconds == 0
    outbox.append(A, {"type": "output", "text": "x" * 100})

    depth = outbox.depth()

    assert depth.events == 1
    assert depth.size_bytes > 100
    assert depth.oldest_seconds >= 0


def test_a_waiting_reader_wakes_for_an_event(outbox: Outbox) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outbox.wait_for_events, stop, 30)
        outbox.append(A, {"type": "output"})
        assert waiting.result(timeout=30)


def test_a_waiting_reader_wakes_for_a_stop(outbox: Outbox) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outbox.wait_for_events, stop, 30)
        stop.set()
        outbox.wake()
        assert not waiting.result(timeout=30)


def test_text_that_is_no_unicode_is_made_harmless(outbox: Outbox) -> None:
    outbox.append(A, {"type": "output", "text": "\ud800 and é"})

    (event,) = outbox.take(10, 10_000)

    assert json.loads(event.payload)["text"] == "? and é"


def test_tokens_on_disk_are_for_this_user_alone(tmp_path: Path, outbox: Outbox) -> None:
    outbox.append(A, {"type": "output"})

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert set(modes.values()) == {0o600}


def test_an_event_with_a_number_that_is_taken_fails_its_writer_alone(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append(A, {"type": "output"})
    box.forget(A)

    with pytest.raises(Exception, match="cannot be written"):
        box.append(A, {"type": "output"})

    assert box.append(B, {"type": "output"}) == 1
    assert box.depth().events == 2
    box.close()
    with sqlite3.connect(tmp_path / "outbox.db") as found:
        assert found.execute("SELECT count(*) FROM events").fetchone() == (2,)
    found.close()
