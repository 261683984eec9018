import errno
import os

import pytest

from utils.system_calls import prctl, system_call

GET_PID = {"x86_64": 39, "aarch64": 172}[os.uname().machine]
PR_GET_DUMPABLE = 3


def test_call_answers_what_the_kernel_says() -> None:
    assert system_call(GET_PID) == os.getpid()
    assert prctl(PR_GET_DUMPABLE) in {0, 1}


def test_refused_call_raises_with_its_number() -> None:
    with pytest.raises(OSError, match="Invalid argument") as caught:
        prctl(-1)
    assert caught.value.errno == errno.EINVAL
