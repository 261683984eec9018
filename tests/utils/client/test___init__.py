from collections.abc import Callable

import pytest

import utils.client


def test_importing_it_loads_nothing_else(run_plain: Callable[[str], str]) -> None:
    code = "import sys, utils.client; print({'httpx2', 'pydantic'} & set(sys.modules))"
    assert run_plain(code).strip() == "set()"


def test_its_names_are_loaded_when_asked_for() -> None:
    assert utils.client.Trueline.__name__ == "Trueline"
    assert utils.client.ApiProblem.__name__ == "ApiProblem"
    with pytest.raises(AttributeError, match="Trulin"):
        _ = utils.client.Trulin
