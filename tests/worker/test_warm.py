import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from utils.process_tree import descendants, read_process, read_process_table
from worker.execution import JobOrder, Prepared, ProcessExecutor, StopSignal, WarmLimits
from worker.launcher import Launcher
from worker.warm_state import WarmState

if TYPE_CHECKING:
    from tests.conftest import NoMoreThreads

Eventually = Callable[[Callable[[], object]], None]
Prepare = Callable[..., Prepared]
Look = Callable[..., dict[str, Any]]
ROOMY = 1024**3
CANARY = "canary-4f1b6c"


@pytest.fixture
def warm_limits() -> WarmLimits:
    return WarmLimits(4, ROOMY)


@pytest.fixture
def executor(executor_with: Callable[..., ProcessExecutor]) -> ProcessExecutor:
    return executor_with()


@pytest.fixture
def look(executor: ProcessExecutor, prepare: Prepare) -> Look:
    """Run an integration whose task `look` tells what it found."""

    def run(
        what: str | Prepared = "state_keeping", config: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        prepared = prepare(what) if isinstance(what, str) else what
        events: list[dict[str, Any]] = []
        order = JobOrder("job-1", 1, prepared.integration, {"word": "w", **(config or {})})
        end = executor.run(order, prepared, events.append, StopSignal())
        assert end.status == "success", events
        results = [event["result"] for event in events if event["type"] == "task_finished"]
        found: dict[str, Any] = results[0]["data"]
        return found

    return run


def child_of(parent: int) -> int:
    (child,) = [process.pid for process in read_process_table() if process.parent == parent]
    return child


def warm_pid(launcher: Launcher) -> int:
    return child_of(child_of(launcher.pid))


def waiting_pid(launcher: Launcher) -> int:
    return child_of(warm_pid(launcher))


def parent_of(pid: int) -> int:
    process = read_process(pid)
    assert process is not None
    return process.parent


def test_second_job_is_forked_from_the_process_of_the_first(
    look: Look, executor: ProcessExecutor, prepare: Prepare, launcher: Launcher
) -> None:
    assert executor.warm.state(prepare("state_keeping")) == WarmState("idle")
    first = look()
    assert executor.warm.state(prepare("state_keeping")) == WarmState("ready")
    pid = warm_pid(launcher)
    second = look()
    assert first["pid"] != second["pid"]
    assert warm_pid(launcher) == pid
    totals = executor.warm.totals()
    assert totals.processes == 1
    assert 0 < totals.memory_bytes < 200 * 1024**2


def test_description_leaves_a_process_with_what_jobs_would_import_each(
    look: Look, executor: ProcessExecutor, prepare: Prepare, launcher: Launcher
) -> None:
    prepared = prepare("asks_http")
    assert [task["name"] for task in executor.describe(prepared).tasks] == ["look"]
    assert executor.warm.state(prepared) == WarmState("ready")
    pid = warm_pid(launcher)
    assert look(prepared) == {"utils.http": True, "utils.side_by_side": True, "loaded": 1}
    assert warm_pid(launcher) == pid


def test_nothing_of_one_job_is_seen_by_the_next(look: Look) -> None:
    first, second = look(config={"word": "one"}), look(config={"word": "two"})
    assert (second["found"], second["left"]) == ([], None)
    assert first["number"] != second["number"]
    assert first["cwd"] != second["cwd"]


def test_forked_job_finds_what_a_fresh_interpreter_has(look: Look) -> None:
    seen = look()
    assert seen["temporary"] == seen["cwd"] + "/tmp"
    assert seen["arguments"][1:] == []
    assert seen["wakeup"] == -1
    assert seen["pipe"]
    assert seen["child"]
    assert seen["interrupt"]
    assert seen["stdin"] == ""


def test_two_jobs_run_at_once_from_one_process(
    look: Look, launcher: Launcher, tmp_path: Path
) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    seen: list[dict[str, Any]] = []
    config = {"meet_in": str(meeting)}
    threads = [threading.Thread(target=lambda: seen.append(look(config=config))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one["pid"] for one in seen}) == 2
    assert warm_pid(launcher)


@pytest.mark.parametrize(
    ("integration", "reason"),
    [
        ("starts_thread", "it starts a thread when it is imported: ticker"),
        ("opens_socket", "a connection or socket"),
        ("forks_at_import", "it leaves 1 child process"),
        ("opens_file", "entry.py open when it is imported"),
    ],
)
def test_integration_that_cannot_be_forked_runs_in_fresh_interpreters(
    look: Look,
    executor: ProcessExecutor,
    prepare: Prepare,
    nothing_left: Callable[[], None],
    integration: str,
    reason: str,
) -> None:
    assert look(integration)["process"] != look(integration)["process"]
    state = executor.warm.state(prepare(integration))
    assert state.name == "unfit"
    assert reason in str(state.reason)
    assert executor.warm.totals().processes == 0
    nothing_left()


def test_worker_that_can_start_no_thread_runs_its_jobs_all_the_same(
    look: Look, executor: ProcessExecutor, prepare: Prepare, no_more_threads: "NoMoreThreads"
) -> None:
    with no_more_threads():
        look()
    assert "thread" in str(executor.warm.state(prepare("state_keeping")).reason)
    executor.warm.close()


def test_import_that_fails_is_unfit_and_the_job_says_why(
    executor: ProcessExecutor, prepare: Prepare
) -> None:
    broken = prepare("broken_syntax")
    order = JobOrder("job-1", 1, "broken_syntax", {})
    end = executor.run(order, broken, lambda _event: None, StopSignal())
    assert end.error is not None
    assert "broken_syntax/entry.py" in end.error["reason"]
    state = executor.warm.state(broken)
    assert state.name == "unfit"
    assert "broken_syntax/entry.py" in str(state.reason)


def test_secret_never_reaches_the_warm_process(
    look: Look, launcher: Launcher, tmp_path: Path
) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    config = {"word": CANARY, "meet_in": str(meeting)}
    look()
    job = threading.Thread(target=lambda: look(config=config))
    job.start()
    while not list(meeting.iterdir()):
        assert job.is_alive()
    (child,) = [int(path.name) for path in meeting.iterdir()]
    warm = parent_of(parent_of(child))
    assert CANARY in memory_of(child)  # so the search finds what is there
    for pid in (parent_of(child), warm, parent_of(warm), launcher.pid):
        assert CANARY not in memory_of(pid)
    (meeting / "other").touch()
    job.join()
    assert CANARY not in memory_of(warm)


def memory_of(pid: int) -> str:
    """Return all that can be read in a process: memory, variables, arguments."""
    parts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("environ", "cmdline")]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_ = line.split()
            if access.startswith("rw") or "[heap]" in line:
                begin, end = (int(place, 16) for place in span.split("-"))
                memory.seek(begin)
                parts.append(memory.read(end - begin))
    return b"".join(parts).decode("latin-1")


def test_process_that_died_is_started_again_at_the_next_job(
    look: Look, launcher: Launcher, executor: ProcessExecutor, eventually: Eventually
) -> None:
    look()
    pid = warm_pid(launcher)
    os.kill(pid, signal.SIGKILL)
    assert look()["found"] == []  # whether it dies before this job, under it, or after it
    eventually(lambda: read_process(pid) is None)
    look()
    look()
    assert warm_pid(launcher) != pid
    assert executor.warm.totals().processes == 1


def test_job_whose_warm_process_dies_goes_on_in_a_process_of_its_own(
    executor: ProcessExecutor,
    prepare: Prepare,
    launcher: Launcher,
    eventually: Eventually,
    tmp_path: Path,
) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    events: list[dict[str, Any]] = []
    order = JobOrder("job-1", 1, "state_keeping", {"word": "w", "meet_in": str(meeting)})

    def run() -> None:
        executor.run(order, prepare("state_keeping"), events.append, StopSignal())

    job = threading.Thread(target=run)
    job.start()
    eventually(lambda: list(meeting.iterdir()))
    os.kill(warm_pid(launcher), signal.SIGKILL)
    job.join()

    assert events[-1]["status"] == "success"
    assert len(list(meeting.iterdir())) == 2  # the first child, and the one that went on
    kinds = [(event["type"], event.get("task")) for event in events]
    assert [kinds.count(("task_started", name)) for name in ("look", "meet")] == [1, 2]
    printed = "".join(event["text"] for event in events if event["type"] == "output")
    assert "goes on in a process of its own, and meet from the beginning" in printed
    assert executor.warm.totals().processes == 0


def test_process_that_hangs_is_given_up(
    look: Look, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.warm_process.ANSWER_SECONDS", 0.2)
    look()
    pid = warm_pid(launcher)
    os.kill(pid, signal.SIGSTOP)
    assert look()["found"] == []
    assert read_process(pid) is None or look()["found"] == []


@pytest.fixture
def snapshots(tmp_path: Path, prepare: Prepare) -> Callable[[str], Prepared]:
    """Return one integration at several commits, each with files of its own."""

    def at(commit: str) -> Prepared:
        folder = tmp_path / "snapshots" / commit
        if not folder.exists():
            folder.mkdir(parents=True)
            plugins = prepare("state_keeping").snapshot / "integrations"
            (folder / "integrations").symlink_to(plugins)
        return replace(prepare("state_keeping"), commit=commit, snapshot=folder)

    return at


def test_least_recently_used_process_ends_when_there_are_too_many(
    look: Look, executor: ProcessExecutor, snapshots: Callable[[str], Prepared]
) -> None:
    for commit in ("a", "b", "c", "d", "a", "e"):
        look(snapshots(commit))
    states = {commit: executor.warm.state(snapshots(commit)).name for commit in "abcde"}
    assert states == {"a": "ready", "b": "idle", "c": "ready", "d": "ready", "e": "ready"}
    assert executor.warm.totals().processes == 4


def test_process_that_jobs_used_is_followed_by_one_of_the_new_commit(
    look: Look,
    executor: ProcessExecutor,
    snapshots: Callable[[str], Prepared],
    eventually: Eventually,
) -> None:
    look(snapshots("a"))
    executor.describe(snapshots("b"))
    executor.warm.retain([snapshots("c")])
    eventually(lambda: executor.warm.state(snapshots("c")).name == "ready")
    executor.warm.retain([snapshots("d")])  # no job has used the one before
    eventually(lambda: executor.warm.totals().processes == 0)
    assert executor.warm.state(snapshots("d")).name == "idle"


def test_process_of_what_is_offered_no_more_ends(
    look: Look,
    executor: ProcessExecutor,
    snapshots: Callable[[str], Prepared],
    launcher: Launcher,
    eventually: Eventually,
) -> None:
    look(snapshots("a"))
    look(snapshots("b"))
    executor.warm.retain([snapshots("b")])
    assert executor.warm.state(snapshots("a")).name == "idle"
    assert executor.warm.state(snapshots("b")).name == "ready"
    # what supervises it, itself, the supervisor of its last job, and what waits there for another
    eventually(lambda: len(descendants(launcher.pid, read_process_table())) == 4)


def test_process_ends_after_its_jobs_when_it_is_offered_no_more(
    look: Look, executor: ProcessExecutor, tmp_path: Path, launcher: Launcher,
    eventually: Eventually,
) -> None:  # fmt: skip
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    seen: list[dict[str, Any]] = []
    job = threading.Thread(target=lambda: seen.append(look(config={"meet_in": str(meeting)})))
    job.start()
    eventually(lambda: list(meeting.iterdir()))
    executor.warm.retain([])
    assert executor.warm.totals().processes == 1
    (meeting / "other").touch()
    job.join()
    assert len(seen) == 1
    assert executor.warm.totals().processes == 0
    eventually(lambda: not descendants(launcher.pid, read_process_table()))


class TestRoomForOne:
    @pytest.fixture
    def warm_limits(self) -> WarmLimits:
        return WarmLimits(1, ROOMY)

    def test_description_takes_no_room_from_jobs(
        self, look: Look, executor: ProcessExecutor, snapshots: Callable[[str], Prepared]
    ) -> None:
        look(snapshots("a"))
        assert executor.describe(snapshots("b")).tasks
        names = {commit: executor.warm.state(snapshots(commit)).name for commit in "ab"}
        assert names == {"a": "ready", "b": "idle"}


class TestLittleMemory:
    @pytest.fixture
    def warm_limits(self) -> WarmLimits:
        return WarmLimits(4, 1024**2)

    def test_import_that_takes_more_than_all_may_is_unfit(
        self, look: Look, executor: ProcessExecutor, prepare: Prepare
    ) -> None:
        look()
        state = executor.warm.state(prepare("state_keeping"))
        assert state.name == "unfit"
        assert "more than the 1 MiB of TRUELINE_WARM_MEMORY_MB" in str(state.reason)


class TestMemoryForOne:
    @pytest.fixture
    def warm_limits(self) -> WarmLimits:
        return WarmLimits(4, 16 * 1024**2)

    def test_least_recently_used_process_ends_when_they_take_too_much(
        self, look: Look, executor: ProcessExecutor, snapshots: Callable[[str], Prepared]
    ) -> None:
        for commit in ("a", "b", "c", "d"):
            look(snapshots(commit))
        assert executor.warm.state(snapshots("d")).name == "ready"
        assert executor.warm.state(snapshots("a")).name == "idle"
        assert executor.warm.totals().memory_bytes <= 16 * 1024**2


class TestOff:
    @pytest.fixture
    def warm_limits(self) -> WarmLimits:
        return WarmLimits(0, ROOMY)

    def test_each_job_gets_a_fresh_interpreter(
        self, look: Look, executor: ProcessExecutor, prepare: Prepare
    ) -> None:
        look()
        assert executor.warm.state(prepare("state_keeping")) == WarmState("off")
        assert executor.warm.totals().processes == 0


def test_job_that_is_cancelled_while_its_integration_is_imported_ends(
    executor: ProcessExecutor, prepare: Prepare, nothing_left: Callable[[], None]
) -> None:
    stop, events = StopSignal(), list[dict[str, Any]]()
    timer = threading.Timer(0.2, lambda: stop.request("cancelled"))
    timer.start()
    order = JobOrder("job-1", 1, "hangs_at_import", {})
    end = executor.run(order, prepare("hangs_at_import"), events.append, stop)
    timer.join()
    assert end.status == "cancelled"
    executor.warm.close()  # ends the import too
    nothing_left()
    assert json.dumps(events)


# A worker that is about to be killed: a warm process, and a job of it that hangs.
WORKER = """
import sys, threading, time
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from worker.environment import Environment
from worker.execution import Host, JobOrder, Limits, Prepared, ProcessExecutor
from worker.execution import StopSignal, WarmLimits
from worker.launcher import Launcher
environment = replace(Environment.at(Path(sys.argv[2])), python=Path(sys.executable))
prepared = Prepared("misbehaving", "c", Path(sys.argv[3]), environment, {"url": "", "ref": ""})
host = Host(Launcher.start(), Limits(60, 60, 2048, 1 << 20, 1 << 20))
executor = ProcessExecutor(host, Path(sys.argv[4]), WarmLimits(1, 1 << 30))
order = JobOrder("j", 1, "misbehaving", {"act": "start_daemon_and_hang", "pids": sys.argv[5]})
executor.run(order, prepared, lambda event: None, StopSignal())
"""


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # init may take its time to reap


def test_worker_killed_leaves_no_warm_process_and_no_job(
    prepare: Prepare, tmp_path: Path, eventually: Eventually
) -> None:
    root, prepared, pids = Path(__file__).parents[2], prepare("misbehaving"), tmp_path / "pids"
    places = (root, prepared.environment.path, prepared.snapshot, tmp_path / "jobs", pids)
    with subprocess.Popen([sys.executable, "-c", WORKER, *map(str, places)]) as worker:
        eventually(lambda: pids.exists() and pids.read_text().endswith("\n"))
        below = [process.pid for process in descendants(worker.pid, read_process_table())]
        # launcher, supervisor, warm process, the job's supervisor, its child, the daemon
        assert len(below) >= 6
        worker.kill()
        worker.wait()
        eventually(lambda: not any(map(is_running, below)))


def test_supervisor_of_a_job_that_went_well_serves_the_next(
    look: Look, executor: ProcessExecutor, launcher: Launcher
) -> None:
    look()
    first = waiting_pid(launcher)
    look()
    second = waiting_pid(launcher)
    assert first == second
    assert executor.warm.totals().waiting == 1


def test_supervisor_that_died_while_it_waited_is_replaced(
    look: Look, executor: ProcessExecutor, launcher: Launcher
) -> None:
    look()
    first = waiting_pid(launcher)
    os.kill(first, signal.SIGKILL)
    assert look()["found"] == []
    second = waiting_pid(launcher)
    assert first != second
    assert executor.warm.totals().processes == 1


def test_a_process_that_has_imported_modules_alone_runs_files_as_they_are_now(
    look: Look, prepare: Prepare, executor: ProcessExecutor, tmp_path: Path
) -> None:
    folder = tmp_path / "snapshot" / "integrations" / "fresh"
    folder.mkdir(parents=True)
    entry = folder / "entry.py"
    text = (
        "import sys\nfrom utils.base_runner import BaseRunner\nfrom utils.decorators import task\n"
        "class Runner(BaseRunner): pass\nBEFORE = 'colorsys' in sys.modules\n"
        "@task(name='look', title='Look')\n"
        "def look(self, ctx): return {'data': {'n': 1, 'before': BEFORE}}\n"
    )
    entry.write_text(text)
    modules = ("colorsys", "no_such_module")
    fresh = replace(prepare("fresh", tmp_path / "snapshot"), preload=modules)

    first = look(fresh)
    entry.write_text(text.replace("'n': 1", "'n': 2"))
    second = look(fresh)

    assert (first, second) == ({"n": 1, "before": True}, {"n": 2, "before": True})
    assert executor.warm.started().warm == 2
    assert executor.warm.totals().processes == 1
