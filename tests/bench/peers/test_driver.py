import sys
from pathlib import Path

import pytest

from bench.peers.driver import Driver
from bench.peers.processes import PeerUnavailable, Processes

READY = "def ready(*given):\n    print('noise')\n    return lambda: {}\n"


def driver(tmp_path: Path, submit: str) -> Driver:
    processes = Processes(tmp_path, Path(sys.executable).parent)
    return Driver(processes, [sys.executable, "-c", READY.format(submit), "a", "b"])


def test_each_round_gives_the_seconds_it_took(tmp_path: Path) -> None:
    with driver(tmp_path, "{'answer': 42} if given == ('a', 'b') else None") as it:
        assert it.seconds() >= 0
        assert it.seconds() >= 0


def test_a_wrong_result_is_no_measurement(tmp_path: Path) -> None:
    with (
        driver(tmp_path, "{'answer': 41}") as it,
        pytest.raises(PeerUnavailable, match=r"unexpected result: .*41"),
    ):
        it.seconds()


def test_a_driver_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    processes = Processes(tmp_path, Path(sys.executable).parent)
    with pytest.raises(PeerUnavailable, match="no broker here"):
        Driver(processes, [sys.executable, "-c", "raise SystemExit('no broker here')"])
