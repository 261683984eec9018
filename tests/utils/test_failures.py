import json
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from utils.errors import AuthoringError, IntegrationRateLimited, SourceError
from utils.failures import (
    Failure,
    clean_text,
    error_text,
    frame_place,
    short_stack,
    shown_path,
    told_failure,
)
from utils.loader import open_snapshot


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


def raised(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - the tests look at any
        return error
    raise AssertionError("it did not raise")


@pytest.fixture
def plugin(
    write_snapshot: Callable[[Mapping[str, str]], Path],
    isolated_imports: None,  # noqa: ARG001 - a fixture that is used for what it does
) -> Callable[[str], dict[str, Any]]:
    """Run source as a file of an integration and return its globals."""

    def run(source: str) -> dict[str, Any]:
        snapshot = write_snapshot({"collectors/a.py": source})
        open_snapshot(str(snapshot))
        module: dict[str, Any] = {}
        file = snapshot / "integrations/sample/collectors/a.py"
        exec(compile(source, str(file), "exec"), module)
        return module

    return run


def test_a_traceback_shows_the_plugins_frames_and_where_it_was_raised(
    plugin: Callable[[str], dict[str, Any]],
) -> None:
    module = plugin(
        "import json\ndef outer():\n    return inner()\ndef inner():\n    json.loads('{')\n"
    )
    failure = told_failure(raised(module["outer"]))
    assert failure.reason.startswith("integrations/sample/collectors/a.py:5: JSONDecodeError: ")
    assert failure.traceback
    lines = failure.traceback.splitlines()
    assert [line for line in lines if 'File "integrations/sample' in line] == [
        '  File "integrations/sample/collectors/a.py", line 3, in outer',
        '  File "integrations/sample/collectors/a.py", line 5, in inner',
    ]
    assert "return inner()" in failure.traceback
    assert "decoder.py" in failure.traceback
    assert "test_failures" not in failure.traceback


def test_a_running_call_is_told_by_where_it_stands(
    plugin: Callable[[str], dict[str, Any]],
) -> None:
    module = plugin(
        "def outer(event):\n    return inner(event)\ndef inner(event):\n    event.wait(20)\n"
    )
    event = threading.Event()
    thread = threading.Thread(target=module["outer"], args=(event,))
    thread.start()
    assert thread.ident is not None
    while not (at := frame_place(frame := sys._current_frames().get(thread.ident))):
        thread.join(0.001)
    stack = short_stack(frame)
    event.set()
    thread.join()
    assert at == "integrations/sample/collectors/a.py:4"
    assert stack is not None
    assert 'File "integrations/sample/collectors/a.py", line 2, in outer' in stack
    assert "test_failures" not in stack


def test_a_thread_that_is_gone_stands_nowhere() -> None:
    assert (frame_place(None), short_stack(None)) == ("", None)


def test_causes_and_groups_are_told_too(plugin: Callable[[str], dict[str, Any]]) -> None:
    module = plugin("""\
def chained():
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError("outer") from error
def grouped():
    try:
        chained()
    except ValueError as error:
        raise ExceptionGroup("several", [error])
""")
    trace = told_failure(raised(module["grouped"])).traceback
    assert trace
    assert "several (1 sub-exception)" in trace
    assert "KeyError: 'inner'" in trace
    assert "direct cause" in trace
    assert "test_failures" not in trace


def test_errors_of_our_own_keep_reason_and_advice() -> None:
    assert told_failure(AuthoringError("r", "a")) == Failure("r", "a", None)
    failure = told_failure(raised(lambda: (_ for _ in ()).throw(SourceError("r", "a"))))
    assert (failure.reason, failure.advice) == ("r", "a")
    assert failure.text.startswith("r; a\nTraceback")


def test_an_authoring_error_tells_the_frames_of_its_cause() -> None:
    def call() -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise AuthoringError("r", "a") from error

    assert "JSONDecodeError" in str(told_failure(raised(call)).traceback)


def test_messages_are_one_bounded_line() -> None:
    assert error_text(ValueError("a\n  b")) == "ValueError: a b"
    assert error_text(ValueError()) == "ValueError"
    assert error_text(SpeechlessError()) == "SpeechlessError: (its message cannot be shown)"
    assert len(error_text(ValueError("x" * 10**6))) < 1100


def test_text_becomes_fit_to_send_and_store() -> None:
    assert clean_text("a\0b\ud800é") == "a\\x00b\\ud800é"
    assert clean_text("x" * 100, 10) == "xxxxx\n... 90 characters left out ...\nxxxxx"


def test_paths_begin_where_their_author_knows_them(
    plugin: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    plugin("")
    file = tmp_path / "snapshot/integrations/sample/integrations/a.py"
    assert shown_path(str(file)) == "integrations/sample/integrations/a.py"
    assert shown_path("/env/lib/python3.11/site-packages/requests/api.py") == "requests/api.py"
    assert (
        shown_path("/usr/lib/python3.11/json/decoder.py") == "/usr/lib/python3.11/json/decoder.py"
    )


def test_the_cause_of_an_integrations_error_is_found_where_it_hides() -> None:
    limited = IntegrationRateLimited("slow", retry_after=3)
    told = {"kind": "rate_limited", "retry_after": 3}
    wrapped = ValueError("x")
    wrapped.__cause__ = limited
    for error in (limited, wrapped, ExceptionGroup("g", [KeyError(), wrapped])):
        assert told_failure(error).cause == told
        assert told_failure(error).as_error()["cause"] == told
    assert told_failure(IntegrationRateLimited(retry_after=float("nan"))).cause == {
        "kind": "rate_limited",
        "retry_after": None,
    }
    circle = ValueError("x")
    circle.__cause__ = circle
    for error in (ValueError("x"), circle):
        assert told_failure(error).cause is None
        assert "cause" not in told_failure(error).as_error()
