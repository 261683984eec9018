"""Acts that wait until a request's answer has been sent.

Whoever they wake would run beside the rest of the request, and slow it down.
"""

from collections.abc import Callable

from flask import Response, after_this_request


def after_answer(act: Callable[[], object]) -> None:
    """Do `act` once the answer to the request under way has gone out, or could not."""

    @after_this_request
    def add(response: Response) -> Response:
        response.call_on_close(act)
        return response
