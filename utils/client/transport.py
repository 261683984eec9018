"""Sends requests to the API: safe ones again, problems as exceptions, answers as models."""

import asyncio
import ssl
import uuid
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from utils.client.errors import ApiAway, ApiProblem
from utils.client.model import Answer, Body
from utils.client.retrying import ATTEMPTS, PASSING, may_repeat, pause_seconds

ANSWER_SECONDS = 30.0
NOTHING: tuple[Any, ...] = (None, (), [])  # arguments that are not sent

T = TypeVar("T")


def part(name: str) -> str:
    """Return a name or an id as one part of an address."""
    if not name.strip("."):
        raise ValueError(f"{name!r} is no name and no id")
    return quote(name, safe="")


class Transport:
    """One API, and the connections to it; use it with `async with`."""

    def __init__(self, url: str, token: str = "", *, verify: ssl.SSLContext | bool = True) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=ANSWER_SECONDS, verify=verify, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    def key(self, given: str | None) -> str:
        """Return the key of a request that creates: the caller's own, or a new one."""
        return given or str(uuid.uuid4())

    async def send(
        self,
        method: str,
        path: str,
        shape: type[T] | None,
        *,
        query: Mapping[str, Any] | None = None,
        body: Body | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> T:
        """Send a request and return its answer in the shape wanted.

        Raises ApiProblem for a refusal, ApiAway where nobody answers.
        """
        given = {name: value for name, value in (query or {}).items() if value not in NOTHING}
        named = {name: value for name, value in (headers or {}).items() if value is not None}
        request = self.http.build_request(
            method,
            path,
            params=given,
            headers=named,
            json=None if body is None else body.sent(),
            timeout=ANSWER_SECONDS + float(given.get("timeout", 0)),
        )
        most = ATTEMPTS if may_repeat(method, has_key="Idempotency-Key" in named) else 1
        return _read(await self._answer(request, most), shape)

    async def _answer(self, request: httpx2.Request, attempts: int) -> httpx2.Response:
        for attempt in range(1, attempts + 1):
            headers: Mapping[str, str] = {}
            try:
                response = await self.http.send(request)
            except httpx2.TransportError as error:
                if attempt == attempts:
                    raise self.away(error) from error
            else:
                if response.status_code not in PASSING or attempt == attempts:
                    return response
                headers = response.headers
            await asyncio.sleep(pause_seconds(attempt, headers))
        raise AssertionError("the last attempt returns or raises")

    def away(self, error: Exception) -> ApiAway:
        """Return the error that says that nobody answers."""
        return ApiAway(
            f"no API answers at {self.url} ({type(error).__name__})",
            "start one with `trueline up`, or correct the address",
        )


def problem_of(response: httpx2.Response) -> ApiProblem:
    """Return the exception for an answer that is a refusal."""
    try:
        document = response.json()
    except ValueError:
        document = {}
    return ApiProblem(response.status_code, document if isinstance(document, dict) else {})


def _read(response: httpx2.Response, shape: type[T] | None) -> T:
    if not response.is_success:
        raise problem_of(response)
    if shape is None:
        return cast("T", None)
    try:
        answer = TypeAdapter(shape).validate_json(response.content)
    except ValidationError as error:
        raise ApiAway(
            f"what answers is not Trueline's API: {error.errors(include_input=False)[0]['msg']}",
            "check the address, and that client and API have the same version",
        ) from error
    if isinstance(answer, Answer):
        answer.remember(response.headers.get("ETag"))
    return answer
