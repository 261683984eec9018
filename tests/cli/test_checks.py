import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.checks import _check_worker, run_checks
from utils.errors import TruelineError
from utils.settings import read_settings
from worker.data_directory import HEARTBEAT_FILE


def test_checks_never_raise_and_each_failure_has_advice(tmp_path: Path) -> None:
    environ = {
        "TRUELINE_DATA_DIR": "/proc/cannot",
        "TRUELINE_SOURCE_URL": "ext::sh -c true",
        "TRUELINE_API_URL": "http://127.0.0.1:9",
    }
    settings = read_settings(environ, tmp_path)
    checks = {check.name: check for check in run_checks(settings, os.environ)}
    for name in ("data directory", "source", "API"):
        assert checks[name].status == "failed"
        assert checks[name].error
        assert checks[name].advice
    assert checks["python"].status == "ok"
    assert checks["git"].status == "ok"
    assert checks["isolation"].detail.startswith("sandbox, by ")


def test_worker_is_silent_here_after_as_long_as_at_the_api(tmp_path: Path) -> None:
    said = {"worker": "w1", "at": (datetime.now(UTC) - timedelta(minutes=10)).isoformat()}
    said |= {"jobs_running": 0, "commit": None, "warm": {"processes": 0, "memory_bytes": 0}}  # type: ignore[dict-item]  # JSON
    (tmp_path / HEARTBEAT_FILE).write_text(json.dumps(said))
    environ = {"TRUELINE_DATA_DIR": str(tmp_path)}
    with pytest.raises(TruelineError, match="w1 has said nothing for 6"):
        _check_worker(read_settings(environ, tmp_path))
    patient = read_settings(environ | {"TRUELINE_LEASE_SECONDS": "3600"}, tmp_path)
    assert _check_worker(patient).startswith("w1, 0 jobs")
