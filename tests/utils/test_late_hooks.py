"""Tests of changes to modules that may not be imported yet."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from utils.late_hooks import LateHooks


def louder(module: ModuleType, replace: Callable[[Any, str, Any], None]) -> None:
    replace(module, "word", module.word.upper())


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_plain_module.py").write_text("word = 'quiet'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_plain_module", raising=False)
    return "a_plain_module"


@pytest.mark.parametrize("is_imported_before", [True, False])
def test_a_module_is_changed_whenever_it_comes_and_is_given_back(
    module: str, *, is_imported_before: bool
) -> None:
    if is_imported_before:
        __import__(module)
    hooks = LateHooks({module: louder})
    finders = list(sys.meta_path)

    hooks.install()
    changed = __import__(module).word
    hooks.remove()

    assert (changed, sys.modules[module].word) == ("QUIET", "quiet")
    assert sys.meta_path == finders


def test_a_module_that_is_not_there_stays_so() -> None:
    hooks = LateHooks({"no_such_module": louder})
    hooks.install()
    try:
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            __import__("no_such_module")
    finally:
        hooks.remove()
