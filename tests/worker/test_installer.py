import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.environments import BuildCause, BuildFailed, Environments
from worker.errors import WorkerError
from worker.installer import UvInstaller, choose_installer, find_uv
from worker.pip_installer import PipInstaller

OpenEnvironments = Callable[..., Environments]
PYTHON = Path(sys.executable)


def test_uv_is_taken_where_it_is_found(tmp_path: Path) -> None:
    installer = choose_installer("", PYTHON, tmp_path, {})
    assert isinstance(installer, UvInstaller)
    assert installer.cache.is_relative_to(tmp_path)


def test_pip_is_taken_when_it_is_asked_for(tmp_path: Path) -> None:
    assert isinstance(choose_installer("pip", PYTHON, tmp_path, {}), PipInstaller)


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `import uv` fail, as it does where the wheel is not installed."""
    monkeypatch.setitem(sys.modules, "uv", None)


@pytest.mark.usefixtures("without_uv")
def test_uv_on_the_path_will_do(tmp_path: Path) -> None:
    binary = tmp_path / "uv"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    assert find_uv({"PATH": str(tmp_path)}) == binary


@pytest.mark.usefixtures("without_uv")
def test_where_uv_is_missing_pip_takes_its_place(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path)}
    assert isinstance(choose_installer("", PYTHON, tmp_path, environ), PipInstaller)
    with pytest.raises(WorkerError, match="install uv"):
        choose_installer("uv", PYTHON, tmp_path, environ)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_both_installers_make_the_same_environment(
    environments_with: OpenEnvironments, installer: str
) -> None:
    made = environments_with(installer=installer).build("dns", ["tiny-beta"])
    assert [pin for pin in made.lock.read_text().splitlines() if "==" in pin] == [
        "tiny-alpha==1.0 \\",
        "tiny-base==1.5 \\",
        "tiny-beta==1.0 \\",
    ]
    code = "import tiny_base, tiny_alpha; print(tiny_base.VERSION, tiny_alpha.VERSION)"
    end = subprocess.run([made.python, "-I", "-c", code], capture_output=True, check=True)
    assert end.stdout == b"1.5 1.0\n"
    # Its scripts run under its final name.
    end = subprocess.run([made.path / "bin" / "tiny-alpha"], capture_output=True, check=True)
    assert end.stdout == b"tiny-alpha 1.0\n"
    for script in (made.path / "bin").iterdir():
        assert b"/building/" not in script.read_bytes()


@pytest.mark.parametrize("installer", ["uv", "pip"])
@pytest.mark.parametrize(
    ("requirements", "cause", "named"),
    [
        (["tiny-nothing==1.0"], BuildCause.NOT_FOUND, "'tiny-nothing==1.0'"),
        (["tiny-alpha==9.0"], BuildCause.NOT_FOUND, "'tiny-alpha==9.0'"),
        (["tiny-alpha>=2", "tiny-beta"], BuildCause.CONFLICT, "tiny-"),
        (["tiny-gamma"], BuildCause.CONFLICT, "'tiny-base<2,>=1' is a base requirement"),
        (
            [f"tiny-alpha==1.0 --hash=sha256:{'0' * 64}"],
            BuildCause.HASH_MISMATCH,
            "'tiny-alpha==1.0' with the hash given",
        ),
    ],
)
def test_real_tools_failures_are_understood(
    environments_with: OpenEnvironments,
    installer: str,
    requirements: list[str],
    cause: BuildCause,
    named: str,
) -> None:
    with pytest.raises(BuildFailed) as raised:
        environments_with(installer=installer).build("dns", requirements)
    assert raised.value.cause == cause, raised.value.log_tail
    assert named in raised.value.reason


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_index_that_nobody_serves_is_unreachable(
    environments_with: OpenEnvironments, tmp_path: Path, installer: str
) -> None:
    away = environments_with(
        index="http://127.0.0.1:9/simple",
        installer=installer,
        cache=tmp_path / "empty-cache",
        environ={"PIP_RETRIES": "1", "UV_HTTP_RETRIES": "0"},
    )
    with pytest.raises(BuildFailed) as raised:
        away.build("dns", [])
    assert raised.value.cause == BuildCause.INDEX_UNREACHABLE
