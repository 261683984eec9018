import os
import select
import signal
import subprocess
import sys

CHILD = """
import os, signal, sys, time
from utils.parent_death import end_with_parent
end_with_parent(signal.SIGKILL)
os.write(1, b"x")
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {CHILD!r}])
time.sleep(60)
"""


def test_a_child_ends_when_its_parent_is_killed() -> None:
    ours, theirs = os.pipe()
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as output:
        assert output.read(1) == b"x"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert select.select([output], [], [], 20)[0], "the child lives on"
        assert output.read(1) == b""  # its end of the pipe is closed: it is gone
