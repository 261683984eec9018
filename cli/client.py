"""The command's side of the API: requests, paging, live events, and errors as sentences."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

from cli.exits import Exit
from utils.api_connections import ApiAnswer, ApiConnections, BrokenExchange
from utils.errors import TruelineError
from utils.zstd import Inflating, ZstdError
from worker.controls import neutralise

if TYPE_CHECKING:
    import httpx2

BLOCK_SECONDS = 20.0  # how long one blocking GET waits for a job's end
LEAST_BLOCK_SECONDS = 1
ANSWER_SECONDS = 30.0
STREAM_SECONDS = 60.0  # of silence; the API says something more often
JSON_BODY = MappingProxyType({"Content-Type": "application/json"})
COMPRESSED = MappingProxyType({"Accept-Encoding": "zstd"})


class ApiUnreachable(TruelineError):  # noqa: N818 - reads as the state it reports
    """Nothing answers at the API's address."""

    exit_code = Exit.FAILED


class ApiProblem(TruelineError):  # noqa: N818 - the standard's word, RFC 9457
    """The API answered with a problem."""

    def __init__(self, status: int, reason: str, advice: str) -> None:
        super().__init__(reason, advice)
        self.status = status
        self.exit_code = Exit.USAGE if status < 500 else Exit.FAILED


class NoSuchName(TruelineError):  # noqa: N818 - reads as the state it reports
    """Nothing can have this name or id."""

    exit_code = Exit.USAGE


def address_part(name: str) -> str:
    """Return the name or id of a thing as one part of its address."""
    if not name.strip(".") or "/" in name:
        raise NoSuchName(
            f"{name!r} is no name and no id",
            "give one as `trueline deployments` or `trueline jobs` lists it; none has a '/' in it",
        )
    return quote(name, safe="")


class Client:
    """Talks to one API; use as a context manager."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self._token = token
        self._http = ApiConnections(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """GET below /api/v1; parameters that are None are left out."""
        return self.send("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST below /api/v1."""
        return self.send("POST", path, body=body or {})

    def ready(self) -> Mapping[str, Any]:
        """Return how the API finds itself, also where it says that it is not ready."""
        try:
            answer = self._http.ask("GET", "/health/ready", None, ANSWER_SECONDS)
        except BrokenExchange as error:
            raise self._unreachable(error) from error
        found = None if answer.status not in {200, 503} else _parsed(answer.status, answer.content)
        if isinstance(found, dict) and "checks" in found:
            return found
        _content(answer.status, answer.content)
        raise _strange(answer.status)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send one request; paths not below /api/v1 begin with `//`."""
        url = path[1:] if path.startswith("//") else f"/api/v1{path}"
        given = {name: value for name, value in (params or {}).items() if value is not None}
        timeout_seconds = ANSWER_SECONDS + float(given.get("timeout", 0))
        content = None if body is None else json.dumps(body).encode()
        headers = COMPRESSED if body is None else JSON_BODY
        try:
            answer = self._http.ask(method, url + _query(given), content, timeout_seconds, headers)
        except BrokenExchange as error:
            raise self._unreachable(error) from error
        return _content(answer.status, _inflated(answer))

    def items(self, path: str, most: int, **params: Any) -> list[dict[str, Any]]:
        """Return up to `most` rows of a list, over as many pages as it takes."""
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while len(rows) < most:
            page = self.get(path, limit=min(most - len(rows), 500), cursor=cursor, **params)
            rows.extend(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return rows

    def wait(self, job_id: str) -> dict[str, Any]:
        """Wait until a job has ended; return it."""
        while True:
            job: dict[str, Any] = self.get(f"/jobs/{job_id}", timeout=int(BLOCK_SECONDS))
            if job["finished_at"] is not None:
                return job

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Yield a job's events from its first to its last; reconnects where it was cut off."""
        last_id = ""
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            try:
                for event_id, event in self._stream(f"/api/v1/jobs/{job_id}/events", headers):
                    last_id = event_id or last_id
                    yield event
                    if event.get("type") == "job_finished":
                        return
            except BrokenExchange as error:
                self._check_alive(error)
            job = self.get(f"/jobs/{job_id}", timeout=LEAST_BLOCK_SECONDS)
            if job["finished_at"] is not None:
                return

    def stream(self, path: str) -> Iterator[bytes]:
        """GET what may be large, below /api/v1, piece by piece."""
        headers = {"Accept-Encoding": "zstd"}
        inflating = Inflating()
        try:
            with self._streaming(f"/api/v1{path}", headers, ANSWER_SECONDS) as answer:
                is_small = answer.headers.get("Content-Encoding") != "zstd"
                for chunk in answer.iter_raw():
                    yield from [chunk] if is_small else inflating.feed(chunk)
        except BrokenExchange as error:
            raise self._unreachable(error) from error
        if not (is_small or inflating.is_whole):
            raise ApiProblem(
                502,
                "the data broke off",
                "ask again; the job may have been given to another worker",
            )

    def _stream(self, url: str, headers: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        import httpx2  # noqa: PLC0415 - start-up time

        with self._streaming(url, headers, STREAM_SECONDS) as answer:
            if answer.status_code == httpx2.codes.OK:
                for event in httpx2.EventSource(answer):
                    if event.data:
                        yield event.id, json.loads(event.data)

    @contextmanager
    def _streaming(
        self, url: str, headers: Mapping[str, str], timeout_seconds: float
    ) -> Iterator["httpx2.Response"]:
        """Read an answer while it comes; raises BrokenExchange, and ApiProblem."""
        import httpx2  # noqa: PLC0415 - it takes longer than most commands

        bearer = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            with (
                httpx2.Client(base_url=self.url, headers=bearer, trust_env=False) as client,
                client.stream("GET", url, headers=dict(headers), timeout=timeout_seconds) as answer,
            ):
                if not answer.is_success:
                    _content(answer.status_code, answer.read())
                yield answer
        except httpx2.TransportError as error:
            raise BrokenExchange(str(error)) from error

    def _check_alive(self, error: Exception) -> None:
        try:
            self._http.ask("GET", "/health/live", None, ANSWER_SECONDS)
        except BrokenExchange:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> ApiUnreachable:
        return ApiUnreachable(
            f"no API answers at {self.url} ({neutralise(str(error))})",
            "start one with `trueline up`, or set TRUELINE_API_URL to where it runs",
        )


def _query(given: Mapping[str, Any]) -> str:
    if not given:
        return ""
    texts = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in given.items()
    }
    return f"?{urlencode(texts, doseq=True)}"


def _inflated(answer: ApiAnswer) -> bytes:
    if answer.headers.get("Content-Encoding") != "zstd":
        return answer.content
    try:
        return b"".join(Inflating().feed(answer.content))
    except ZstdError as error:
        raise _strange(answer.status) from error


def _parsed(status: int, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise _strange(status) from error


def _strange(status: int) -> ApiProblem:
    return ApiProblem(status, "what answers is no Trueline API", "correct TRUELINE_API_URL")


def _content(status: int, content: bytes) -> Any:
    if 200 <= status < 300:
        return _parsed(status, content) if content else None
    try:
        problem = json.loads(content)
    except ValueError:
        problem = {}
    reason = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
    told = [(error["pointer"] or "/", error["message"]) for error in problem.get("errors", [])]
    details = [
        f"{pointer}: {message}"
        for pointer, message in told
        if message != reason and f"{pointer}: {message}" not in reason  # it tells the first
    ]
    raise ApiProblem(
        status,
        neutralise("; ".join([reason, *details])),
        neutralise(str(problem.get("advice") or "see the API's log for this request")),
    )
