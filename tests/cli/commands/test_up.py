import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.client import Client


def test_up_prints_the_address_serves_and_ends_in_order_on_ctrl_c(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    mine = {**environ, "TRUELINE_DATA_DIR": str(tmp_path / "data"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up", "--access-log", "off"],
        env=mine,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")  # a start that takes long says so first
            said = (re.search(r"Trueline is at (http://127\.0\.0\.1:\d+)", it) for it in lines)
            address = next(found[1] for found in said if found)
            with Client(address) as api:
                assert api.get("//health/live") == {"status": "ok"}
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
    assert process.returncode == 0, rest
    assert "stopping" in rest
    log = (tmp_path / "data" / "logs" / "api.log").read_text()
    assert '"event": "API stopped"' in log
    assert '"event": "request"' not in log  # the flag has reached the API
    assert "Traceback" not in rest
