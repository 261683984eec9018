from typing import Any

import pytest

from utils.errors import IntegrationPermanentError
from utils.http_answer import Answer
from utils.http_paging import (
    MOST_PAGES,
    CursorPages,
    LinkPages,
    OffsetPages,
    Paging,
    Step,
    next_link,
)


def after(paging: Paging, step: Step, page: Any, link: str = "") -> Step | None:
    return paging.after(step, Answer(200, {"link": link} if link else {}, b""), page)


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ("", None),
        ('<https://h/a?page=2>; rel="next"', "https://h/a?page=2"),
        ("<https://h/a>; rel=next", "https://h/a"),
        ('<https://h/a>; rel="prev", <https://h/c>; title="x, y"; rel="last next"', "https://h/c"),
        ('<https://h/a>; REL="Next"', "https://h/a"),
        ('<https://h/a>; rel="nextish"', None),
        ('<https://h/a,b>; rel="next"', "https://h/a,b"),
        ("nonsense", None),
    ],
)
def test_the_next_link_is_found(header: str, url: str | None) -> None:
    assert next_link(header) == url


def test_a_link_to_itself_is_an_error() -> None:
    with pytest.raises(IntegrationPermanentError, match="is itself"):
        after(LinkPages(), Step("https://h/a", (), 2), [], '<https://h/a>; rel="next"')


def test_a_cursor_may_be_a_url() -> None:
    paging = CursorPages("next")
    step = after(paging, paging.first({"q": 1}), {"next": "https://h/a?c=2"})
    assert step == Step("https://h/a?c=2", (), 2)
    with pytest.raises(IntegrationPermanentError, match="is itself"):
        after(paging, step, {"next": "https://h/a?c=2"})


@pytest.mark.parametrize("page", [{}, {"next_cursor": None}, {"next_cursor": ""}, [], None])
def test_no_cursor_is_the_end(page: Any) -> None:
    assert after(CursorPages(), CursorPages().first(None), page) is None


def test_a_cursor_that_does_not_move_is_an_error() -> None:
    paging = CursorPages()
    step = after(paging, paging.first(None), {"next_cursor": "c"})
    assert step is not None
    with pytest.raises(IntegrationPermanentError, match="its own cursor"):
        after(paging, step, {"next_cursor": "c"})


def test_pages_may_be_counted() -> None:
    paging = OffsetPages(2, "page", "per_page", None, by_page=1)
    first = paging.first({"q": "x"})
    assert first.params == [("q", "x"), ("page", 1), ("per_page", 2)]
    second = after(paging, first, [1, 2])
    assert second is not None
    assert second.params == [("q", "x"), ("page", 2), ("per_page", 2)]
    assert after(paging, second, [3]) is None
    assert after(paging, second, []) is None


def test_where_the_total_is_told_a_short_page_is_not_the_end() -> None:
    paging = OffsetPages(100, total="meta.total")
    page = {"items": [1, 2], "meta": {"total": 3}}
    step = after(paging, paging.first(None), page)
    assert step is not None
    assert dict(step.params)["offset"] == 2
    assert after(paging, step, {"items": [3], "meta": {"total": 3}}) is None
    with pytest.raises(IntegrationPermanentError, match=r"no number at 'meta\.total'"):
        after(paging, step, {"items": [3]})


@pytest.mark.parametrize("page", [{"data": []}, {"items": None}, [], "text", None])
def test_a_page_without_its_list_is_an_error(page: Any) -> None:
    with pytest.raises(IntegrationPermanentError, match="is no list"):
        OffsetPages().items_of(page)


def test_pages_have_an_end() -> None:
    with pytest.raises(IntegrationPermanentError, match="more than 10,000 pages"):
        after(CursorPages(), Step(None, (), MOST_PAGES), {"next_cursor": "c"})
