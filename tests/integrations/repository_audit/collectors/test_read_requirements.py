from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integrations.repository_audit.conftest import Audit, Repository


def test_requirements_come_from_every_kind_of_file_and_from_included_ones(
    audit: Callable[..., Audit], repository: Repository
) -> None:
    repository.commit(
        {
            "requirements.txt": "-r deps/base.list\na==1\n",
            "deps/base.list": "-r ../requirements.txt\nb>=2\n",
            "constraints.txt": "c==3\n",
            "lib/pyproject.toml": '[project]\ndependencies = ["d"]\n',
            "uv.lock": "",
        }
    )
    data = audit({"url": repository.url}, only=["read_requirements"]).tasks["read_requirements"][
        "data"
    ]
    assert {item["name"]: item["path"] for item in data["requirements"]} == {
        "a": "requirements.txt",
        "b": "deps/base.list",
        "c": "constraints.txt",
        "d": "lib/pyproject.toml",
    }
    assert data["lock_files"] == ["uv.lock"]
    assert {"path": "requirements.txt", "requirements": 1} in data["files"]


def test_a_file_that_is_too_large_makes_the_reading_partial(cut_short_audit: Audit) -> None:
    (reason,) = cut_short_audit.tasks["read_requirements"]["partial"]
    assert reason.startswith("requirements/all.txt is larger than 4 MiB")
