from api.pointers import json_pointer


def test_pointer_escapes_its_own_signs() -> None:
    assert json_pointer([]) == ""
    assert json_pointer(["a/b", 0, "c~d", ""]) == "/a~1b/0/c~0d/"
