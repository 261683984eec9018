from utils.metric_labels import OTHER, BoundedLabel


def test_only_so_many_labels_are_passed_on() -> None:
    label = BoundedLabel(2)
    assert [label(name) for name in ("a", "b", "a", "c", "b", "d")] == [
        *("a", "b", "a"),
        OTHER,
        "b",
        OTHER,
    ]
