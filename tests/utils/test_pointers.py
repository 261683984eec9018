from typing import Any

import pytest

from utils.pointers import children, json_pointer, value_at, with_values

DOCUMENT: dict[str, Any] = {"a/b": [{"c~d": 7}], "": {"x": None}}


def test_a_pointer_escapes_its_own_signs() -> None:
    assert json_pointer([]) == ""
    assert json_pointer(["a/b", 0, "c~d", ""]) == "/a~1b/0/c~0d/"


@pytest.mark.parametrize("steps", [[], ["a/b"], ["a/b", 0], ["a/b", 0, "c~d"], [""]])
def test_a_pointer_leads_back_to_where_its_steps_led(steps: list[Any]) -> None:
    wanted: Any = DOCUMENT
    for step in steps:
        wanted = wanted[step]
    assert value_at(DOCUMENT, json_pointer(steps)) == wanted


@pytest.mark.parametrize("pointer", ["/none", "/a~1b/1", "/a~1b/-1", "/a~1b/x", "/a~1b/0/c~0d/0"])
def test_a_pointer_that_leads_nowhere_finds_nothing(pointer: str) -> None:
    assert value_at(DOCUMENT, pointer) is None


def test_values_are_put_in_and_the_document_stays() -> None:
    document = {"a/b": [1, {"c": 2}], "d": {}}
    changed = with_values(document, {"/a~1b/1/c": "x", "/d": [3], "/none": 4})
    assert changed == {"a/b": [1, {"c": "x"}], "d": [3]}
    assert document == {"a/b": [1, {"c": 2}], "d": {}}
    assert with_values(document, {"": 5}) == 5


def test_children_have_pointers() -> None:
    assert children("/x", {"a/b": 1}) == [("/x/a~1b", 1)]
    assert children("/x", ["y"]) == [("/x/0", "y")]
    assert children("/x", "text") == []
