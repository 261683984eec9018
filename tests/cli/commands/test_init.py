from typing import Any


def test_init_registers_the_manifest(live: Any) -> None:
    ran = live("init", "--json")
    assert ran.code == 0
    assert {"hello_world", "nap", "crooked"} <= {
        name for change in ("created", "updated", "unchanged") for name in ran.json[change]
    }
    assert ran.json["rejected"] == []


def test_init_says_it_in_words(live: Any) -> None:
    ran = live("init")
    assert "unchanged" in ran.out
    assert "nap" in ran.out


def test_init_without_an_api_says_what_to_do(trueline: Any) -> None:
    ran = trueline("init")
    assert ran.code == 3
    assert "no API answers at http://127.0.0.1:9" in ran.err
    assert "trueline up" in ran.err
    assert "Traceback" not in ran.err
