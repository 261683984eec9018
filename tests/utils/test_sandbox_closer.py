import os
import socket

import pytest

from utils.confinement import CLOSED, await_closed
from utils.sandbox_closer import FAILED


@pytest.mark.parametrize("answer", [CLOSED, FAILED, b""])
def test_process_goes_on_only_once_its_sandbox_is_closed(answer: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(answer)
        ours.shutdown(socket.SHUT_WR)
        descriptor = theirs.detach()
        if answer == CLOSED:
            await_closed(descriptor)
        else:
            with pytest.raises(OSError, match="could not be closed"):
                await_closed(descriptor)
        assert ours.recv(10) == b"?"
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)
