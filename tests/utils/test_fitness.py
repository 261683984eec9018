import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils.fitness import Footing, look_at_footing, unfit_reason


@pytest.fixture
def before() -> Footing:
    return look_at_footing()


def test_process_that_only_computed_is_fit(before: Footing) -> None:
    assert unfit_reason(before) is None


@pytest.fixture
def thread() -> Iterator[None]:
    end = threading.Event()
    started = threading.Thread(target=end.wait, name="ticker")
    started.start()
    yield
    end.set()
    started.join()


@pytest.mark.usefixtures("thread")
def test_thread_is_named(before: Footing) -> None:
    assert unfit_reason(before) == "it starts a thread when it is imported: ticker"


def test_child_process_is_counted(before: Footing) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as child:
        assert unfit_reason(before) == "it leaves 1 child process(es) when it is imported"
        child.kill()


def test_file_that_stays_open_is_named(before: Footing, tmp_path: Path) -> None:
    path = tmp_path / "open"
    with path.open("w"):
        assert unfit_reason(before) == f"it leaves {path} open when it is imported"


def test_descriptor_that_leads_elsewhere_is_seen(tmp_path: Path) -> None:
    one, other = (os.open(tmp_path / name, os.O_CREAT | os.O_WRONLY) for name in ("one", "other"))
    before = look_at_footing()
    os.dup2(other, one)
    assert "/other open" in str(unfit_reason(before))
    os.close(one)
    os.close(other)


def test_replaced_function_is_seen(before: Footing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert "replaces functions of os" in str(unfit_reason(before))
