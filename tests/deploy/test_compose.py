"""compose.yaml hangs together: secrets, volumes, networks, and what each service may do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

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
    for volume in service["volumes"]:
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


def test_the_port_is_open_to_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert [port.partition(":")[0] for port in published] == ["127.0.0.1"]


def test_names_and_folders_are_kept_out_of_the_repository() -> None:
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.env", "/secrets/"} <= set(ignored)
