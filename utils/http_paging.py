"""How APIs hand out long lists: by a Link header, by a cursor, or by an offset."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin

from utils.http_answer import Answer
from utils.http_order import Params
from utils.integration_errors import IntegrationPermanentError

MOST_PAGES = 10_000
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+))*)")
_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|next\b)", re.IGNORECASE)


class Step(NamedTuple):
    """The request for one page; without a path it is the caller's."""

    path: str | None
    params: Sequence[tuple[str, Any]]
    number: int  # of the page, from 1


class Paging(Protocol):
    """A way of handing out pages."""

    def first(self, params: Params | None) -> Step:
        """Return the request for the first page."""

    def after(self, step: Step, answer: Answer, page: Any) -> Step | None:
        """Return the request for the page after this one; None: it was the last."""

    def items_of(self, page: Any) -> Sequence[Any]:
        """Return the list in a page."""


class Walk:
    """The way through one list: which page comes next, and that none comes twice."""

    def __init__(self, paging: Paging, path: str, params: Params | None) -> None:
        self._paging = paging
        self._path = path
        self._step: Step | None = paging.first(params)
        self._seen: set[str] = set()

    @property
    def ahead(self) -> tuple[str, Params] | None:
        """Where the next page is: a path or a URL, and its parameters; None after the last."""
        return None if self._step is None else (self._path, self._step.params)

    def begin(self, url: str) -> None:
        """Note the URL of the page that is asked for next; raises when it has come before."""
        if url in self._seen:
            raise _endless("the pages lead back to one that has come before")
        self._seen.add(url)

    def go_on(self, url: str, answer: Answer, page: Any) -> None:
        """Take in the page of this URL."""
        step = self._step
        self._step = self._paging.after(step, answer, page) if step else None
        if self._step is not None and self._step.path is not None:
            self._path = urljoin(url, self._step.path)  # a link may be relative: RFC 8288


class LinkPages(NamedTuple):
    """The answer's Link header names the next page (RFC 8288), as GitHub's and GitLab's do."""

    items: str | None = None  # where in a page its list is, as `a.b`; None: the page is the list

    def first(self, params: Params | None) -> Step:
        """Return the request for the first page."""
        return Step(None, _pairs(params), 1)

    def after(self, step: Step, answer: Answer, page: Any) -> Step | None:  # noqa: ARG002 - of the protocol
        """Return the request that the header names."""
        url = next_link(answer.headers.get("link", ""))
        if url is not None and url == step.path:
            raise _endless(f"the next page of page {step.number} is itself")
        return None if url is None else _next(step, url, ())

    def items_of(self, page: Any) -> Sequence[Any]:
        """Return the list in a page."""
        return _listed(page, self.items)


class CursorPages(NamedTuple):
    """Each page holds the cursor of the next one."""

    cursor: str = "next_cursor"  # where in a page it is, as `a.b`; it may also be a URL
    param: str = "cursor"  # the parameter that it is sent in
    items: str | None = "items"

    def first(self, params: Params | None) -> Step:
        """Return the request for the first page."""
        return Step(None, _pairs(params), 1)

    def after(self, step: Step, answer: Answer, page: Any) -> Step | None:  # noqa: ARG002 - of the protocol
        """Return the request with the cursor of this page; an empty or missing one ends it."""
        cursor = _found(page, self.cursor)
        if cursor is None or cursor is False or cursor == "":
            return None
        if not isinstance(cursor, str | int | float):
            raise _unexpected(f"{self.cursor!r} of the page is no cursor", "cursor")
        if isinstance(cursor, str) and cursor.startswith(("http://", "https://")):
            if cursor == step.path:
                raise _endless(f"the next page of page {step.number} is itself")
            return _next(step, cursor, ())
        sent = dict(step.params).get(self.param)
        if cursor == sent:
            raise _endless(f"page {step.number} names its own cursor as the next one")
        others = [(name, value) for name, value in step.params if name != self.param]
        return _next(step, step.path, [*others, (self.param, cursor)])

    def items_of(self, page: Any) -> Sequence[Any]:
        """Return the list in a page."""
        return _listed(page, self.items)


class OffsetPages(NamedTuple):
    """The caller counts: `offset` and `limit`, or with `by_page` the page's number."""

    size: int = 100
    offset: str = "offset"
    limit: str = "limit"
    items: str | None = "items"
    total: str | None = None  # where in a page the number of all items is, if it is told
    by_page: int | None = None  # the number of the first page, where pages are counted

    def first(self, params: Params | None) -> Step:
        """Return the request for the first page."""
        own = [(self.offset, self.by_page or 0), (self.limit, self.size)]
        return Step(None, [*_pairs(params), *own], 1)

    def after(self, step: Step, answer: Answer, page: Any) -> Step | None:  # noqa: ARG002 - of the protocol
        """Return the request for what follows; a page that is empty or not full is the last.

        Where the total is told it alone decides: servers cut a limit that they find too large.
        """
        came = len(self.items_of(page))
        at = dict(step.params)[self.offset]
        if self._is_last(page, at, came):
            return None
        if came == 0:
            raise IntegrationPermanentError(
                f"page {step.number} is empty, and {self.total!r} says that there is more",
                "see which way of paging this API has: what came so far is no whole list",
            )
        following = at + 1 if self.by_page is not None else at + came
        params = [
            (name, following if name == self.offset else value) for name, value in step.params
        ]
        return _next(step, step.path, params)

    def items_of(self, page: Any) -> Sequence[Any]:
        """Return the list in a page."""
        return _listed(page, self.items)

    def _is_last(self, page: Any, at: int, came: int) -> bool:
        if self.total is None:
            return came < max(1, self.size)
        total = _found(page, self.total)
        if not isinstance(total, int):
            raise _unexpected(f"a page has no number at {self.total!r}", "total")
        before = at if self.by_page is None else (at - self.by_page) * self.size
        return before + came >= total


def next_link(header: str) -> str | None:
    """Return the target of the link with the relation `next`."""
    for url, parameters in _LINK.findall(header):
        if _NEXT.search(parameters):
            return str(url)
    return None


def _next(step: Step, path: str | None, params: Sequence[tuple[str, Any]]) -> Step:
    if step.number >= MOST_PAGES:
        raise _endless(f"there are more than {MOST_PAGES:,} pages")
    return Step(path, params, step.number + 1)


def _pairs(params: Params | None) -> list[tuple[str, Any]]:
    return list(params.items()) if isinstance(params, Mapping) else list(params or ())


def _listed(page: Any, path: str | None) -> Sequence[Any]:
    found = page if path is None else _found(page, path)
    if not isinstance(found, list):
        where = "the page itself" if path is None else f"{path!r} of the page"
        raise _unexpected(f"{where} is no list ({type(found).__name__})")
    return found


def _found(page: Any, path: str) -> Any:
    for name in path.split("."):
        page = page.get(name) if isinstance(page, Mapping) else None
    return page


def _endless(reason: str) -> IntegrationPermanentError:
    return IntegrationPermanentError(reason, "see which way of paging this API has")


def _unexpected(reason: str, field: str = "items") -> IntegrationPermanentError:
    return IntegrationPermanentError(reason, f"name its place in a page in the paging's `{field}`")
