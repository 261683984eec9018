import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from worker.environment import Environment
from worker.job_order import Prepared
from worker.launcher import Command
from worker.sandbox import Sandbox, SandboxUnusable

LOOK = """
import json, os, socket, sys
def entries(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return type(error).__name__
def write(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return type(error).__name__
    return "written"
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "pid": os.getpid(),
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
    "host": socket.gethostname(),
    "capabilities": [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")],
    "folders": {path: entries(path) for path in sys.argv[1:]},
    "writes": {path: write(path + "/new") for path in sys.argv[1:]},
    "cwd": os.getcwd(),
    "site": "site" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox.find()


@pytest.fixture
def prepared(tmp_path: Path, environment: Environment) -> Prepared:
    snapshot = tmp_path / "data" / "snapshots" / "c1"
    snapshot.mkdir(parents=True)
    (tmp_path / "data" / "secret.key").write_text("canary")
    (tmp_path / "data" / "jobs" / "mine").mkdir(parents=True)
    (tmp_path / "data" / "jobs" / "other").mkdir()
    return Prepared("it", "c1", snapshot, environment, {})


def look(sandbox: Sandbox, prepared: Prepared, *paths: Path | str) -> dict[str, Any]:
    data = prepared.snapshot.parents[1]
    python = str(prepared.environment.python)
    told = [str(path) for path in paths]
    command = Command((python, "-I", "-c", LOOK, *told), {}, data / "jobs" / "mine")
    inside = sandbox.enclose(command, prepared, data / "jobs" / "mine")
    end = subprocess.run(
        inside.argv, env=inside.env, cwd=inside.cwd, capture_output=True, check=False, timeout=60
    )
    assert end.returncode == 0, end.stderr
    found: dict[str, Any] = json.loads(end.stdout)
    return found


def test_process_is_alone_and_has_no_rights(sandbox: Sandbox, prepared: Prepared) -> None:
    seen = look(sandbox, prepared)
    assert seen["pid"] == 2
    assert seen["processes"] == ["1", "2"]
    assert seen["capabilities"] == [0, 0, 0, 0]
    assert seen["host"] == "trueline"


def test_packages_run_no_code_before_the_child_does(sandbox: Sandbox, prepared: Prepared) -> None:
    assert look(sandbox, prepared)["site"] is False


def test_own_directory_alone_can_be_written_to(sandbox: Sandbox, prepared: Prepared) -> None:
    data = prepared.snapshot.parents[1]
    mine, environment = data / "jobs" / "mine", prepared.environment.path
    places = [mine, prepared.snapshot, environment, data, data / "jobs", Path("/tmp")]
    system = [Path(name) for name in ("/", "/usr", "/etc", "/dev", "/dev/shm")]
    writes = look(sandbox, prepared, *places, *system)["writes"]
    written = [path for path, answer in writes.items() if answer == "written"]
    assert written == [str(mine), "/dev/shm"]


def test_nothing_else_of_the_data_directory_shows(sandbox: Sandbox, prepared: Prepared) -> None:
    data = prepared.snapshot.parents[1]
    folders = look(sandbox, prepared, data, data / "jobs")["folders"]
    assert folders == {str(data): ["jobs", "snapshots"], str(data / "jobs"): ["mine"]}


def test_data_directory_inside_of_what_shows_is_hidden(
    sandbox: Sandbox, prepared: Prepared
) -> None:
    data = prepared.snapshot.parents[1]
    inside = sandbox.showing([data.parent], {}, [data])
    folders = look(inside, prepared, data)["folders"]
    assert folders == {str(data): ["jobs", "snapshots"]}


def test_homes_and_the_like_do_not_show(sandbox: Sandbox, prepared: Prepared) -> None:
    places = ("/home", "/var", "/run", "/sys", "/srv", "/mnt", "/etc/ssh", "/etc/ssl/private")
    folders = look(sandbox, prepared, *places)["folders"]
    assert set(folders.values()) == {"FileNotFoundError"}


def test_source_and_certificates_show(sandbox: Sandbox, prepared: Prepared, tmp_path: Path) -> None:
    repository, certificates = tmp_path / "source.git", tmp_path / "certificates"
    for place in (repository, certificates):
        place.mkdir()
        (place / "file").touch()
    environ = {"SSL_CERT_DIR": str(certificates), "SSL_CERT_FILE": str(tmp_path / "absent")}
    showing = sandbox.showing([repository], environ, [tmp_path / "data"])
    seen = look(showing, prepared, repository, certificates)
    assert seen["folders"] == {str(repository): ["file"], str(certificates): ["file"]}
    assert "written" not in seen["writes"].values()


def test_no_bubblewrap_is_no_sandbox() -> None:
    with pytest.raises(SandboxUnusable, match="no bubblewrap") as caught:
        Sandbox.find([])
    assert "TRUELINE_ISOLATION=process" in caught.value.advice


def test_bubblewrap_that_fails_is_no_sandbox(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho bwrap: No permissions to create a new namespace >&2; exit 1")
    broken.chmod(0o755)
    with pytest.raises(SandboxUnusable, match="No permissions to create a new namespace"):
        Sandbox.find([broken])


def test_bubblewrap_that_holds_nothing_is_no_sandbox(tmp_path: Path) -> None:
    pretender = tmp_path / "bwrap"
    pretender.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"')
    pretender.chmod(0o755)
    with pytest.raises(SandboxUnusable, match="not an own process namespace"):
        Sandbox.find([pretender])


def test_interpreter_of_this_project_runs_in_it(sandbox: Sandbox) -> None:
    assert sandbox.bubblewrap.is_file()
    assert Path(sys.executable).is_file()


def test_sandbox_without_a_network_has_its_own_loopback_alone_and_shows_the_folder(
    sandbox: Sandbox, prepared: Prepared
) -> None:
    folder = prepared.snapshot.parents[1] / "egress"
    folder.mkdir()
    (folder / "desk").touch()
    closed = sandbox.without_network(folder)
    assert look(closed, prepared, folder)["folders"][str(folder)] == ["desk"]
    program = "import socket; print([name for _, name in socket.if_nameindex()])"
    command = Command((str(prepared.environment.python), "-I", "-c", program), {}, Path("/"))
    argv = closed.enclose(command, prepared, prepared.snapshot.parents[1] / "jobs" / "mine").argv
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "['lo']\n"


def test_sandbox_that_gets_no_network_of_its_own_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    broken = replace(sandbox, namespaces=(*sandbox.namespaces, "--no-such-option"))
    with pytest.raises(SandboxUnusable, match="a network of its own: ") as caught:
        broken.without_network(tmp_path)
    assert "TRUELINE_EGRESS=open" in caught.value.advice
