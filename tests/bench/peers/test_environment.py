import pytest

from bench.peers.environment import LOCKS, environment_key
from bench.peers.known import PEERS
from bench.peers.measured import INTERPRETER

LOCKED = sorted({INTERPRETER, *(peer.requirements for peer in PEERS)})


def test_another_lock_is_another_environment() -> None:
    assert environment_key(b"a==1") == environment_key(b"a==1")
    assert environment_key(b"a==1") != environment_key(b"a==2")


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_of_a_peer_is_locked_with_its_hashes(name: str) -> None:
    lines = (LOCKS / f"{name}.txt").read_text("utf-8").splitlines()
    packages = [line for line in lines if not line.startswith(" ")]
    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert all(line.strip().startswith("--hash=sha256:") for line in lines if line[:1] == " ")


def test_each_lock_has_its_requirements_beside_it() -> None:
    assert sorted(path.stem for path in LOCKS.glob("*.in")) == LOCKED
    assert sorted(path.stem for path in LOCKS.glob("*.txt")) == LOCKED
