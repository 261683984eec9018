"""Security row 27; each case in a process of its own, as logging is set up once a process."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., subprocess.Popen[str]]
CODE = """
import logging, sys, structlog
from utils.logs import configure_logs
configure_logs(sys.argv[1])
log = structlog.get_logger()
log.info("line\\r\\n2026 [info] forged \\x1b[31m", name="a\\nb\\x07")
logging.getLogger("library").warning("from a\\nlibrary")
local = "s3cret" + "-local"
try:
    raise ValueError("broken")
except ValueError:
    log.exception("ours")
    logging.getLogger("library").error("theirs", exc_info=True)
log.debug("hidden")
"""


@pytest.fixture
def logged(run_python: Start) -> Callable[[str], str]:
    def run(log_format: str) -> str:
        process = run_python(CODE, log_format)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out == ""
        return err

    return run


@pytest.mark.parametrize("log_format", ["json", ""])
def test_json_is_one_object_an_event(logged: Callable[[str], str], log_format: str) -> None:
    events: list[dict[str, Any]] = [json.loads(line) for line in logged(log_format).splitlines()]
    assert [event["level"] for event in events] == ["info", "warning", "error", "error"]
    assert events[0]["name"] == "a\nb\x07"
    assert all(event["timestamp"].endswith("Z") for event in events)
    for event in events[2:]:
        assert event["exception"].endswith("ValueError: broken")
        assert "s3cret-local" not in str(event)


def test_text_cannot_forge_a_line_or_steer_a_terminal(logged: Callable[[str], str]) -> None:
    text = logged("text")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert not any(line.startswith("2026 [info] forged") for line in text.splitlines())
    assert "from a\\nlibrary" in text


def test_text_shows_plain_tracebacks_without_local_values(logged: Callable[[str], str]) -> None:
    text = logged("text")
    assert text.count("ValueError: broken") == 2
    assert "s3cret-local" not in text
    assert "hidden" not in text
