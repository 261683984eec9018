from utils.suggest import did_you_mean


def test_a_near_miss_gets_the_nearest_word() -> None:
    assert did_you_mean("colector", ["collector", "insight"]) == " (did you mean 'collector'?)"


def test_anything_else_gets_nothing() -> None:
    assert did_you_mean("xyz", ["collector", "insight"]) == ""
    assert did_you_mean("xyz", []) == ""
