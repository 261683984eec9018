from pathlib import Path

import pytest

from api.client_code import TARGET, client_code, description

CODE = client_code(description())


@pytest.mark.parametrize("name", sorted(CODE))
def test_client_matches_the_description(name: str) -> None:
    committed = (TARGET / name).read_text(encoding="utf-8")
    assert committed == CODE[name], (
        "the API has changed: run `make client` and commit what it writes"
    )


def test_both_modules_are_written() -> None:
    assert sorted(CODE) == ["models.py", "operations.py"]
    assert Path("utils/client") == Path(*TARGET.parts[-2:])


def test_workers_routes_are_left_out() -> None:
    assert "lease_jobs" not in CODE["operations.py"]
    assert "async def list_violations_all(" in CODE["operations.py"]
