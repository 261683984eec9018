import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from utils.routes import Routes, Way

REPOSITORY = Path(__file__).parents[2]
NO_NETWORK = 77
# As `ip` would do it, which not every machine has: an own network whose loopback has addresses.
NETWORK = """
import ctypes, fcntl, socket, struct, sys
if ctypes.CDLL(None).unshare(0x10000000 | 0x40000000) != 0:
    sys.exit(77)
def set_up(request, family, data):
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, request, data)
def address_of(label, text):
    return struct.pack("=16sHH4s8x", label, socket.AF_INET, 0, socket.inet_aton(text))
SET_FLAGS, SET_ADDRESS, SET_MASK, UP = 0x8914, 0x8916, 0x891C, 1
set_up(SET_FLAGS, socket.AF_INET, struct.pack("=16sH14x", b"lo", UP))
for label, text, mask in (
    (b"lo:1", "192.0.2.7", "255.255.255.255"), (b"lo:2", "198.51.100.1", "255.255.255.0"),
):
    set_up(SET_ADDRESS, socket.AF_INET, address_of(label, text))
    set_up(SET_MASK, socket.AF_INET, address_of(label, mask))
six = socket.inet_pton(socket.AF_INET6, "2001:db8::7")
set_up(SET_ADDRESS, socket.AF_INET6, six + struct.pack("=Ii", 128, socket.if_nametoindex("lo")))
"""
OWN = """
import sys
sys.path.insert(0, sys.argv[1])
from ipaddress import ip_address
from utils.routes import Routes
with Routes() as routes:
    print([routes.way(ip_address(one)).name for one in sys.argv[2:]])
"""


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("127.0.0.1", Way.LOCAL),
        ("127.200.3.4", Way.LOCAL),
        ("::1", Way.LOCAL),
        ("224.0.0.251", Way.MULTICAST),
        ("255.255.255.255", Way.BROADCAST),
    ],
)
def test_kernel_tells_what_stays_on_this_machine(address: str, way: Way) -> None:
    with Routes() as routes:
        assert routes.way(ip_address(address)) is way


def test_same_routes_answer_again_and_again() -> None:
    with Routes() as routes:
        found = [routes.way(ip_address(one)) for one in ("127.0.0.1", "224.0.0.1") * 20]
    assert found == [Way.LOCAL, Way.MULTICAST] * 20


def test_addresses_of_its_own_interfaces_are_local_and_others_are_not() -> None:
    asked = ["192.0.2.7", "192.0.2.8", "198.51.100.9", "2001:db8::7", "2001:db8::8"]
    command = [sys.executable, "-I", "-c", NETWORK + OWN, str(REPOSITORY), *asked]
    end = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if end.returncode == NO_NETWORK:
        pytest.skip("no network namespaces here")
    assert end.stdout.strip() == str(["LOCAL", "NONE", "LOCAL", "LOCAL", "NONE"]), end.stderr
