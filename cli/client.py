"""The command's side of the API: requests, paging, live events, and errors as sentences."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote

import httpx2

from cli.exits import Exit
from utils.errors import TruelineError
from utils.zstd import Inflating
from worker.controls import neutralise

BLOCK_SECONDS = 20.0  # how long one blocking GET waits for a job's end
LEAST_BLOCK_SECONDS = 1


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
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False)

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
            answer = self._http.get("/health/ready")
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        found = None if answer.status_code not in {200, 503} else answer.json()
        if isinstance(found, dict) and "checks" in found:
            return found
        _content(answer)
        raise ApiProblem(
            answer.status_code, "what answers is no Trueline API", "correct TRUELINE_API_URL"
        )

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
        timeout = 30.0 + float(given.get("timeout", 0))
        try:
            answer = self._http.request(method, url, params=given, json=body, timeout=timeout)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        return _content(answer)

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
            except httpx2.TransportError as error:
                self._check_alive(error)
            job = self.get(f"/jobs/{job_id}", timeout=LEAST_BLOCK_SECONDS)
            if job["finished_at"] is not None:
                return

    def stream(self, path: str) -> Iterator[bytes]:
        """GET what may be large, below /api/v1, piece by piece."""
        headers = {"Accept-Encoding": "zstd"}
        inflating = Inflating()
        try:
            with self._http.stream("GET", f"/api/v1{path}", headers=headers) as answer:
                if not answer.is_success:
                    answer.read()
                    _content(answer)
                is_small = answer.headers.get("Content-Encoding") != "zstd"
                for chunk in answer.iter_raw():
                    yield from [chunk] if is_small else inflating.feed(chunk)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if not (is_small or inflating.is_whole):
            raise ApiProblem(
                502,
                "the data broke off",
                "ask again; the job may have been given to another worker",
            )

    def _stream(self, url: str, headers: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        with self._http.stream("GET", url, headers=dict(headers), timeout=60.0) as answer:
            if answer.status_code != httpx2.codes.OK:
                answer.read()
                _content(answer)
            for event in httpx2.EventSource(answer):
                if event.data:
                    yield event.id, json.loads(event.data)

    def _check_alive(self, error: Exception) -> None:
        try:
            self._http.get("/health/live")
        except httpx2.TransportError:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> ApiUnreachable:
        return ApiUnreachable(
            f"no API answers at {self.url} ({type(error).__name__})",
            "start one with `trueline up`, or set TRUELINE_API_URL to where it runs",
        )


def _content(answer: httpx2.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    reason = str(problem.get("detail") or problem.get("title") or f"HTTP {answer.status_code}")
    told = [(error["pointer"] or "/", error["message"]) for error in problem.get("errors", [])]
    details = [
        f"{pointer}: {message}"
        for pointer, message in told
        if message != reason and f"{pointer}: {message}" not in reason  # it tells the first
    ]
    raise ApiProblem(
        answer.status_code,
        neutralise("; ".join([reason, *details])),
        neutralise(str(problem.get("advice") or "see the API's log for this request")),
    )
