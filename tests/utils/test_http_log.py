import logging

import pytest

from utils.http_answer import Answer, Fault
from utils.http_log import PATH_LIMIT, CallLog, hush_libraries
from utils.http_order import Order

SECRET = "abcdefgh"


def order(path: str) -> Order:
    return Order("GET", f"https://h{path}", {"authorization": f"Bearer {SECRET}"}, None, 1, True)


def test_a_line_tells_method_host_path_status_and_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = CallLog(logging.getLogger("test"), 3)
    log.begins()
    log.ended(order(f"/bot{SECRET}/send\n?key={SECRET}"), Answer(201, {}, b""))
    (line,) = caplog.messages
    assert line.startswith("GET h /bot***/send 201 ")
    assert line.endswith(" ms")


def test_a_path_is_cut_and_a_fault_is_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = CallLog(logging.getLogger("test"), 3)
    log.ended(order("/" + "x" * 1000), Fault("ConnectError: refused"))
    (line,) = caplog.messages
    assert "ConnectError: refused" in line
    assert len(line) < PATH_LIMIT + 100


def test_libraries_are_quiet_unless_somebody_asked_them() -> None:
    names = ("httpx2", "httpcore2")
    before = [logging.getLogger(name).level for name in names]
    try:
        logging.getLogger("httpx2").setLevel(logging.NOTSET)
        logging.getLogger("httpcore2").setLevel(logging.DEBUG)
        hush_libraries()
        levels = [logging.getLogger(name).level for name in names]
        assert levels == [logging.WARNING, logging.DEBUG]
    finally:
        for name, level in zip(names, before, strict=True):
            logging.getLogger(name).setLevel(level)
