import os
from pathlib import Path

from cli.checks import run_checks
from utils.settings import read_settings


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
