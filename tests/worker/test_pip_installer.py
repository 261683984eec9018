from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.environments import BuildCause, BuildFailed, Environments

OpenEnvironments = Callable[..., Environments]


def test_a_second_index_is_refused_since_pip_takes_whatever_is_newest(
    environments_with: OpenEnvironments,
) -> None:
    environ = {"PIP_EXTRA_INDEX_URL": "https://packages.example/simple"}
    with pytest.raises(BuildFailed, match="PIP_EXTRA_INDEX_URL") as raised:
        environments_with(installer="pip", environ=environ).build("dns", [])
    assert "install uv" in raised.value.advice


def test_source_code_without_a_wheel_is_told_from_a_missing_package(
    environments_with: OpenEnvironments,
    new_package_index: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    index = new_package_index("sources")
    index.add("tiny-base", "1.0")
    index.add_source("tiny-source", "1.0", tmp_path / "canary")
    with pytest.raises(BuildFailed) as raised:
        environments_with(installer="pip", index=index.url).build("dns", ["tiny-source==1.0"])
    assert raised.value.cause == BuildCause.NO_WHEEL
    assert not (tmp_path / "canary").exists()
