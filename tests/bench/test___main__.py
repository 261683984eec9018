import signal
import tempfile
from pathlib import Path

import pytest
import structlog

from bench.__main__ import MODULES, main


def test_an_unknown_benchmark_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["peer"]) == 2
    told = capsys.readouterr().err
    assert "no benchmark 'peer'" in told
    assert all(name in told for name in MODULES)


def test_a_benchmark_that_fails_is_told_and_costs_no_other_its_rows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["intake", "intake"]) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
        structlog.reset_defaults()
    told = capsys.readouterr()
    assert told.out.count("intake not measured: FileNotFoundError") == 2
    assert "0 of 0 goals hold, 2 not measured" in told.out
    assert "Traceback" in told.err
