import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from utils.routes import Routes, Way

REPOSITORY = Path(__file__).parents[2]
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


@pytest.mark.skipif(shutil.which("ip") is None, reason="takes the command ip")
def test_addresses_of_its_own_interfaces_are_local_and_others_are_not() -> None:
    steps = """
        ip link set lo up && ip addr add 192.0.2.7/32 dev lo &&
        ip addr add 2001:db8::7/128 dev lo && ip route add local 198.51.100.0/24 dev lo && exec "$@"
    """
    asked = ["192.0.2.7", "192.0.2.8", "198.51.100.9", "2001:db8::7", "2001:db8::8"]
    command = [sys.executable, "-I", "-c", OWN, str(REPOSITORY), *asked]
    end = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", steps, "sh", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if end.returncode and "Operation not permitted" in end.stderr:
        pytest.skip("no network namespaces here")
    assert end.stdout.strip() == str(["LOCAL", "NONE", "LOCAL", "LOCAL", "NONE"]), end.stderr
