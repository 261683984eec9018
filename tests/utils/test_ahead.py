import pytest

from utils.ahead import modules_for

TOOLS, CLIENT = "utils.task_tools", "utils.http"


@pytest.mark.parametrize(
    ("text", "beside", "wanted"),
    [
        ("ctx.get_data('http')", False, []),
        ("ctx.https()", False, []),
        ("import requests", True, ["utils.side_by_side"]),
        ("ctx.logger.info('x')", False, [TOOLS]),
        ("self.ctx.http(base_url)", False, [TOOLS, CLIENT]),
        ("from utils.http import HTTPClient", False, [TOOLS, CLIENT]),
        ("ctx.cache.get('x'); client = ctx.http", True, ["utils.side_by_side", TOOLS, CLIENT]),
    ],
)
def test_what_a_text_names_is_imported(text: str, beside: bool, wanted: list[str]) -> None:  # noqa: FBT001 - a parameter of the test
    assert modules_for([text], beside=beside) == wanted
