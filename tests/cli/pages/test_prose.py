import pytest

from cli.pages.prose import BadPage, place, read_prose


def test_what_was_written_is_read_again() -> None:
    prose = {"limits": "Ten a second.\n\n- or so", "client": ""}
    page = "\n".join(place(name, prose) for name in prose)
    assert read_prose(page, "x.md") == prose


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("# A page of somebody\n", "cannot be told"),
        ("<!-- prose: limits -->\nnever closed\n", "cannot be told"),
        (f"{place('limits', {})}\n<!-- /prose -->\n", "cannot be told"),
        (f"{place('limits', {})}\n{place('limits', {})}\n", "twice"),
        (place("limitz", {}), "'limitz' is not known"),
    ],
)
def test_a_page_whose_places_cannot_be_told_is_left_alone(page: str, told: str) -> None:
    with pytest.raises(BadPage, match=told):
        read_prose(page, "x.md")
