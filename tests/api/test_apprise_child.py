import socket
import subprocess
import sys
from pathlib import Path

import pytest

from api.apprise_child import Held, Keeper
from utils.address_kinds import read_exemptions

HERE = read_exemptions("127.0.0.1:9", "S")
TRIES = """
import os, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from api.apprise_child import Held, Keeper, readable_paths
keeper = Keeper((), readable_paths(os.environ))
sys.addaudithook(keeper)
for act in (
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.socket(socket.AF_INET6).connect(("::1", 9)),
    lambda: socket.socket().connect_ex(("127.0.0.1", 9)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    lambda: socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket"),
    lambda: subprocess.run(["true"]),
    lambda: os.system("true"),
    lambda: os.posix_spawn("/bin/true", ["true"], {}),
    lambda: os.fork(),
    lambda: open("/etc/passwd"),
    lambda: open(sys.argv[1] + "/README.md"),
    lambda: open(b"../../../../../../etc/hostname"),
    lambda: os.open("/etc/passwd", os.O_RDONLY),
):
    try:
        act()
    except Held:
        continue
    except OSError as error:
        if isinstance(error.__context__, Held):
            continue
    print("not held", file=sys.stderr)
    sys.exit(1)
"""


def test_nothing_gets_past_the_hook(tmp_path: Path) -> None:
    root = str(__file__).partition("/tests/")[0]
    command = [sys.executable, "-I", "-c", TRIES, root]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_what_is_allowed_passes_and_plain_text_goes_nowhere_else() -> None:
    keeper = Keeper(HERE, ["/etc/hosts"])
    with socket.socket() as connection:
        keeper("socket.connect", (connection, ("127.0.0.1", 9)))
        keeper("socket.connect", (connection, ("1.1.1.1", 443)))
        keeper("open", ("/etc/hosts", "r", 0))
        with pytest.raises(Held, match="loopback"):
            keeper("socket.connect", (connection, ("127.0.0.1", 10)))
        with pytest.raises(Held, match="not looked up"):
            keeper("socket.connect", (connection, ("localhost", 9)))
        keeper.plain = True
        keeper("socket.connect", (connection, ("127.0.0.1", 9)))
        with pytest.raises(Held, match="encrypt"):
            keeper("socket.connect", (connection, ("1.1.1.1", 80)))
    assert keeper.refused is not None
    assert "encrypt" in keeper.refused
