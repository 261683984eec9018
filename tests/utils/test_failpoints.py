import subprocess
from collections.abc import Callable

import pytest

Start = Callable[..., subprocess.Popen[str]]
CODE = "from utils.failpoints import failpoint; failpoint('here'); print('after')"


def test_the_named_line_kills_the_process(run_python: Start) -> None:
    process = run_python(CODE, TRUELINE_FAILPOINT="here:kill9")
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == -9


@pytest.mark.parametrize("value", ["", "there:kill9", "here", "here:other", ":kill9"])
def test_anything_else_does_nothing(run_python: Start, value: str) -> None:
    process = run_python(CODE, TRUELINE_FAILPOINT=value)
    assert process.communicate(timeout=60)[0] == "after\n"
    assert process.returncode == 0
