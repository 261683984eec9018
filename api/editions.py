"""ETags: what an answer is, and what of it somebody may overwrite.

An ETag is "content", or "edition-content" where the thing can be changed. The content tells whether
an answer is the one that a client has. The edition is made of what people decide about the thing:
If-Match compares it alone, so that a due time or a sighting that passed meanwhile refuses nobody.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, g, request

from api.problems import PreconditionFailed

JSON = "application/json"
CODED = "+"  # before the name of a content coding: a compressed answer has an ETag of its own
Check = Callable[[str], None]


def edition_of(decided: Mapping[str, Any]) -> str:
    """Name what people decided about a thing."""
    return _digest(json.dumps(decided, sort_keys=True, default=str).encode())


def announce_edition(edition: str) -> None:
    """Let the answer to the request under way carry this edition in its ETag."""
    g.edition = edition


def any_edition(_edition: str) -> None:
    """Let every edition be changed."""


def if_match(what: str) -> Check:
    """Return what raises PreconditionFailed unless If-Match allows to change this edition.

    Call it in the transaction of the change, with the edition that is there.
    """
    wanted = request.if_match
    is_given = "If-Match" in request.headers
    editions = {tag.partition("-")[0] for tag in wanted.as_set()}

    def check(edition: str) -> None:
        if not is_given or wanted.star_tag or edition in editions:
            return
        raise PreconditionFailed(
            f"{what} is not what If-Match names: somebody changed it meanwhile",
            "GET it again, look at what changed, and send your change with the new ETag",
        )

    return check


def tag_answers(app: Flask) -> None:
    """Give the JSON answers of `app` ETags, and answer 304 to who has them already."""
    app.after_request(_tag)


def _tag(response: Response) -> Response:
    if not _can_have_tag(response):
        return response
    content = _digest(response.get_data())
    edition = g.get("edition")
    tag = f"{edition}-{content}" if edition else content
    response.set_etag(tag)
    if request.method in {"GET", "HEAD"} and _is_known(tag):
        return _not_modified(response)
    return response


def _can_have_tag(response: Response) -> bool:
    if response.is_streamed or response.mimetype != JSON or "ETag" in response.headers:
        return False
    if request.method in {"GET", "HEAD"}:
        return response.status_code == 200 and "no-store" not in response.headers.get(
            "Cache-Control", ""
        )
    return response.status_code < 300 and "edition" in g


def _is_known(tag: str) -> bool:
    known = request.if_none_match
    return known.star_tag or any(
        it.partition(CODED)[0] == tag for it in known.as_set(include_weak=True)
    )


def _not_modified(response: Response) -> Response:
    response.status_code = 304
    response.set_data(b"")
    response.vary.add("Accept-Encoding")  # as the answer itself would have said
    for name in ("Content-Type", "Content-Length"):
        response.headers.pop(name, None)
    return response


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]
