"""Each peer beside a warm job of ours, which is measured anew before and after it."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.peers.known import PEERS
from bench.peers.peer import Peer
from bench.plain_job import deploy, entries_of, files_of, job_seconds
from bench.rows import NotMeasured, Row, times_faster
from bench.scene import Scene, running_scene

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = REPOSITORY / ".trueline-bench"  # environments of the peers, kept for the next run
WARM_UP = 10
ROUNDS = 20
PEER_SECONDS = 900.0  # with its set-up
END_SECONDS = 40.0


def measure() -> Iterable[Row | NotMeasured]:
    """Measure the peers one after another."""
    ROOT.mkdir(exist_ok=True)
    with running_scene(files_of("bench"), entries_of("bench")) as scene:
        name = deploy(scene, "bench")
        _ours(scene, name, WARM_UP)
        for peer in PEERS:
            print(f"  {peer.title} ...", file=sys.stderr, flush=True)
            ours = _ours(scene, name, ROUNDS)
            answer = _ask(peer)
            yield row_of(peer, ours + _ours(scene, name, ROUNDS), answer)


def row_of(
    peer: Peer, ours: list[float], answer: dict[str, list[float] | str]
) -> Row | NotMeasured:
    """Return a peer's row in the table; `answer` is what its process said."""
    what = f"times faster than {peer.title}, p50"
    if isinstance(seconds := answer.get("seconds"), list):
        middle, theirs = statistics.median(ours), statistics.median(seconds)
        return times_faster(what, middle * 1000, theirs * 1000, "ms", peer.goal)
    return NotMeasured(what, str(answer.get("unavailable", "its process failed")))


def _ours(scene: Scene, name: str, rounds: int) -> list[float]:
    return [job_seconds(scene, name) for _ in range(rounds)]


def _ask(peer: Peer) -> dict[str, list[float] | str]:
    command = [sys.executable, "-m", "bench.peers", peer.name, str(ROOT)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate(timeout=PEER_SECONDS)
        except subprocess.TimeoutExpired:
            return {"unavailable": f"it took more than {PEER_SECONDS:.0f} s"}
        finally:
            _end(process)
    answer: dict[str, list[float] | str] = json.loads(output.splitlines()[-1] if output else "{}")
    return answer


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
