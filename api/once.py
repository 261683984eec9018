"""Routes that act once for each Idempotency-Key, however often a request with it comes.

The effect and the answer are recorded in one transaction: it holds both or neither. Whoever sends
the request again gets the answer that was given, from any process and after any crash.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from api.kept_answers import KeptAnswer, Key, claim_key, keep_answer, read_answer
from api.principal import current_principal
from api.problems import BadRequest, Conflict
from api.state import State, current_state

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
HOLDS_SECRET = "holds_secret"  # noqa: S105 - an attribute's name
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

P = ParamSpec("P")


class _Replay(Exception):  # noqa: N818 - no error: it ends the transaction of a request that came before
    """The request was answered before."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__()
        self.answer = answer


def once(
    *, is_secret: bool = False
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a route that creates act once for each Idempotency-Key; without one it just acts.

    Only answers that tell of an effect (2xx) are kept: a refused request is judged anew. The body
    of one that `is_secret` is not kept; who sends such a request again is told where to look.
    """

    def decorate(act: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(act)
        def answer(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            key = _key()
            if key is None:
                return act(*args, **kwargs)
            return _answer_once(key, lambda: act(*args, **kwargs), is_secret=is_secret)

        setattr(answer, HOLDS_SECRET, is_secret)  # tells the description that it takes a key
        return answer

    return decorate


def _key() -> Key | None:
    given = request.headers.get(KEY_HEADER)
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise BadRequest(
            f"the {KEY_HEADER} is not one", "send 1 to 255 visible ASCII characters, such as a UUID"
        )
    asked = hashlib.sha256()
    for part in (request.method.encode(), request.full_path.encode(), request.get_data()):
        asked.update(b"%d:%s" % (len(part), part))
    route = request.endpoint or ""
    return Key(current_principal().name, route, given, asked.hexdigest())


def _answer_once(
    key: Key, act: Callable[[], ResponseReturnValue], *, is_secret: bool
) -> ResponseReturnValue:
    state = current_state()
    with state.database.read() as connection:
        known = read_answer(connection, key, state.clock())
    if known is not None:
        return _replayed(known)
    try:
        return _act(state, key, act, is_secret=is_secret)
    except _Replay as replay:
        return _replayed(replay.answer)


def _act(
    state: State, key: Key, act: Callable[[], ResponseReturnValue], *, is_secret: bool
) -> ResponseReturnValue:
    def claim(connection: Connection) -> None:
        known = claim_key(connection, key, state.clock())
        if known is not None:
            raise _Replay(known)

    with state.database.joined(claim):
        response = current_app.make_response(act())
        if response.status_code < 300:
            body = None if is_secret else response.get_data()
            answer = KeptAnswer(response.status_code, response.headers.get("Location"), body)
            with state.database.write() as connection:
                keep_answer(connection, key, answer)
    return response


def _replayed(answer: KeptAnswer) -> Response:
    if answer.body is None:
        raise Conflict(
            "this request was carried out before, and its answer held a secret that is not kept",
            "look at what it made; remove that and send the request with a new key",
            extra={"location": answer.location},
        )
    response = current_app.response_class(answer.body, answer.status, mimetype="application/json")
    response.headers[REPLAYED_HEADER] = "true"
    if answer.location is not None:
        response.headers["Location"] = answer.location
    return response
