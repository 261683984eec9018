import pytest

from utils.correlation import UNRELATED, Correlation, read_traceparent, trace_id_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "header", [GOOD, f" {GOOD} ", f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be"]
)
def test_a_usable_header_is_passed_on_as_version_00(header: str) -> None:
    assert read_traceparent(header) == GOOD


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\nforged",
    ],
)
def test_any_other_is_none(header: str) -> None:
    assert read_traceparent(header) is None


def test_logs_say_what_is_known() -> None:
    assert Correlation("r", GOOD).for_logs() == {"request_id": "r", "trace_id": TRACE}
    assert UNRELATED.for_logs() == {}
    assert trace_id_of(None) is None
