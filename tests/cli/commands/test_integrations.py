from typing import Any


def test_ready_and_broken_ones_stand_side_by_side_with_the_reason(live: Any) -> None:
    ran = live("integrations")
    assert ran.code == 0
    assert "✓ ready" in ran.out
    assert "✗ broken" in ran.out
    assert "entry.py" in ran.out
    assert "next" in ran.out


def test_reaching_nothing_and_not_saying_so_look_different(live: Any) -> None:
    rows = {
        words[0]: words[5] for words in map(str.split, live("integrations").out.splitlines()[1:3])
    }
    assert rows == {"crooked": "-", "hello_world": "none"}


def test_json_gives_the_catalogue(live: Any) -> None:
    rows = {row["name"]: row for row in live("integrations", "--json").json}
    assert [task["name"] for task in rows["nap"]["tasks"]] == ["nap", "well_rested"]
    assert rows["crooked"]["state"] == "broken"
    assert rows["crooked"]["problem"]["advice"]
