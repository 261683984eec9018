"""The units of deploy/systemd: sections, users, files that belong together, systemd's own check."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
ETC = Path(__file__).parents[2] / "deploy" / "etc"
NAMES = sorted(path.name for path in UNITS.iterdir())
SERVICES = [name for name in NAMES if name.endswith(".service")]
CONFINED = {"ProtectSystem": "strict", "ProtectHome": "yes", "NoNewPrivileges": "yes"}


def read(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser's documents say
    unit.read(UNITS / name)
    return unit


@pytest.mark.parametrize("name", SERVICES)
def test_service_runs_confined_as_a_user_of_its_own(name: str) -> None:
    service = read(name)["Service"]
    assert service["User"] not in {"", "root"}
    assert {key: service[key] for key in CONFINED} == CONFINED
    assert service["StateDirectoryMode"] == "0700"
    assert service["UMask"] == "0077"


def test_api_and_worker_are_different_users() -> None:
    api, worker = read("trueline-api.service"), read("trueline-worker@.service")
    assert api["Service"]["User"] != worker["Service"]["User"]
    assert api["Service"]["User"] == read("trueline-backup.service")["Service"]["User"]


@pytest.mark.parametrize("name", SERVICES)
def test_environment_file_is_one_that_is_there(name: str) -> None:
    file = Path(read(name)["Service"]["EnvironmentFile"])
    assert file.parent == Path("/etc/trueline")
    assert (ETC / file.name).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_the_state_directory_is_where_it_works(name: str) -> None:
    service = read(name)["Service"]
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


@pytest.mark.parametrize("file", sorted(path.name for path in ETC.glob("*.env")))
def test_environment_files_hold_variables_and_no_secret(file: str) -> None:
    lines = (ETC / file).read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[A-Z_]+=\S+", line) for line in lines)
    assert not any("://" in line and "@" in line for line in lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in NAMES:
        text = (UNITS / name).read_text(encoding="utf-8")
        # What is installed on the machine that they are for.
        text = re.sub(r"/opt/trueline/bin/\w+", sys.executable, text)
        (tmp_path / name.replace("@.", "@1.")).write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
