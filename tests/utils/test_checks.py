import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from utils.base_error import TruelineError
from utils.checks import Check, Checks, log_checks


def fail() -> None:
    raise TruelineError("it is broken", "mend it")


def crash() -> None:
    raise ZeroDivisionError


def no_file() -> None:
    raise FileNotFoundError(2, "No such file", "x")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def test_each_check_answers_whatever_the_others_do() -> None:
    checks = Checks()
    checks.add("fine", lambda: "all of it")
    checks.add("silent", lambda: None)
    checks.add("broken", fail)
    checks.add("missing", no_file)
    checks.add("crashing", crash)
    with capture_logs() as logs:
        found = {check.name: check for check in checks.run()}
    assert list(found) == ["fine", "silent", "broken", "missing", "crashing"]
    assert (found["fine"].status, found["fine"].detail) == ("ok", "all of it")
    assert (found["broken"].error, found["broken"].advice) == ("it is broken", "mend it")
    assert "No such file" in str(found["missing"].error)
    assert found["crashing"].error == "the check itself failed: ZeroDivisionError"
    assert all(check.advice for check in found.values() if check.error)
    assert [entry["event"] for entry in logs] == ["check crashed"]


def test_a_check_that_hangs_fails_alone_and_is_not_begun_twice(gate: threading.Event) -> None:
    calls: list[str] = []

    def hang() -> None:
        calls.append("hang")
        gate.wait(60)

    checks = Checks(deadline_seconds=0.05)
    checks.add("hanging", hang)
    checks.add("fine", lambda: None)
    for _ in range(3):
        hanging, fine = checks.run()
        assert "did not answer within 0.05 s" in str(hanging.error)
        assert fine.error is None
    assert calls == ["hang"]
    gate.set()
    while checks.run()[0].error:  # the old one is waited for, then it is begun anew
        pass
    assert checks.run()[0].error is None


def test_a_check_of_the_same_name_replaces_the_first() -> None:
    checks = Checks()
    checks.add("one", fail)
    checks.add("one", lambda: None)
    assert [check.error for check in checks.run()] == [None]


def test_what_failed_is_logged_as_a_warning_with_advice() -> None:
    with capture_logs() as logs:
        log_checks((Check("a", 0.1, detail="fine"), Check("b", 0.2, "broken", "mend it")))
    assert [entry["log_level"] for entry in logs] == ["info", "warning"]
    assert (logs[1]["reason"], logs[1]["advice"]) == ("broken", "mend it")


def test_as_json_has_what_is_promised() -> None:
    shown = Check("a", 0.1, "broken", "mend it").as_json()
    assert set(shown) == {"name", "status", "seconds", "error", "advice", "detail"}
    assert shown["status"] == "failed"
