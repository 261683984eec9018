"""The worker's side of the HTTP API: one client, errors in two kinds, answers checked."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from utils import __version__
from utils.api_connections import ApiAnswer, ApiConnections, BrokenExchange
from worker.api_answers import Grants, Known, Me, Outcomes, Received, Released, Renewal, Tick
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.lease import Lease

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
PRESENCE_SECONDS = 5.0
GATEWAY_FOUND_NOBODY = 502
DATABASE_AWAY = "urn:trueline:problem:database-away"
AWAY = frozenset({408, 425, 429})  # besides every 5xx: the same request may go well later

WORKER = "worker"
JSON_BODY = MappingProxyType({"Content-Type": "application/json"})

Shape = TypeVar("Shape", bound=BaseModel)


class ApiClient:
    """Speaks for one worker; safe to use from several threads."""

    def __init__(self, url: str, token: str, worker: str) -> None:
        self.url = url
        self._worker = worker
        self._http = ApiConnections(url, token)

    def check(self) -> None:
        """Raise ApiUnavailable or ApiRefused unless the API is alive and takes this worker."""
        answer = self._ask("GET", "/api/v1/me", None, timeout_seconds=CONNECT_SECONDS)
        me = self._checked(answer, Me)
        if me.token_id is not None and me.role != WORKER:
            raise ApiRefused(
                403,
                {
                    "detail": f"the token sent is {me.name}'s, a token of the role {me.role}",
                    "advice": "give the worker one of its own: "
                    "`trueline token create NAME --role worker`",
                },
            )

    def lease(self, slots: int, wait_seconds: float) -> Grants:
        """Ask for up to `slots` jobs; the API answers at once or as soon as there is one."""
        body = {"slots": slots, "wait_seconds": wait_seconds, "version": __version__}
        return self._post("/leases", body, Grants, wait_seconds + ANSWER_SECONDS)

    def renew(self, leases: Iterable[Lease], timeout_seconds: float) -> Renewal:
        """Keep leases for another period."""
        return self._post("/leases/renew", _named(leases), Renewal, timeout_seconds)

    def release(self, leases: Iterable[Lease]) -> tuple[str, ...]:
        """Give jobs back to the queue; they run again from their beginning."""
        return self._post("/leases/release", _named(leases), Released).released

    def tick(self) -> Tick:
        """Have the API make the jobs that are due and requeue the ones whose lease expired."""
        return self._post("/ticks", {}, Tick)

    def tell_presence(self, report: Mapping[str, Any]) -> None:
        """Say that this worker lives, and how it is."""
        path = f"/api/v1/workers/{quote(self._worker, safe='')}"
        body = json.dumps(report).encode()
        self._ask("PUT", path, body, timeout_seconds=PRESENCE_SECONDS)

    def put_catalogue(self, catalogue: Mapping[str, Any]) -> Known:
        """Tell what this worker can run, and at which commit."""
        body = json.dumps({"worker": self._worker, **catalogue}).encode()
        return self._checked(self._ask("PUT", "/api/v1/catalogue", body), Known)

    def send(self, reports: bytes) -> Outcomes:
        """Send one batch of reports, already JSON. A wholly refused batch is an answer, too."""
        try:
            answer = self._ask("POST", "/api/v1/events", reports)
        except ApiRefused as error:
            if "outcomes" not in error.problem:
                raise
            answer = error.problem
        return self._checked(answer, Outcomes)

    def upload(self, lease: Lease, sha256: str, start: int, chunk: bytes) -> int:
        """Send a chunk of large data; return how much of it the API has, from its beginning."""
        path = f"/api/v1/jobs/{quote(lease.job_id, safe='')}/data/{sha256}"
        query = f"attempt={lease.attempt}&start={start}"
        headers = {"Content-Type": "application/octet-stream", "X-Trueline-Lease": lease.token}
        answer = self._ask("PUT", f"{path}?{query}", chunk, headers=headers)
        return self._checked(answer, Received).received_bytes

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        shape: type[Shape],
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Shape:
        content = json.dumps({"worker": self._worker, **body}).encode()
        answer = self._ask("POST", f"/api/v1{path}", content, timeout_seconds=timeout_seconds)
        return self._checked(answer, shape)

    def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None,
        *,
        timeout_seconds: float = ANSWER_SECONDS,
        headers: Mapping[str, str] = JSON_BODY,
    ) -> Any:
        headers = {} if content is None else headers
        try:
            answer = self._http.ask(method, path, content, timeout_seconds, headers)
        except BrokenExchange as error:
            raise self._away(error) from error
        if answer.is_success:
            return self._parsed(answer)
        if answer.status >= 500 or answer.status in AWAY:
            raise ApiUnavailable(
                f"the API at {self.url} answers {answer.status} to {method} {path}",
                "see the API's own log; the worker tries again by itself",
                leases_last=_gives_nothing_away(answer),
                retry_after_seconds=_retry_after_seconds(answer),
            )
        raise ApiRefused(answer.status, _problem(answer))

    def _away(self, error: BrokenExchange) -> ApiUnavailable:
        return ApiUnavailable(
            f"the API at {self.url} cannot be reached: {error}",
            "start it, or correct TRUELINE_API_URL; the worker tries again by itself",
            leases_last=error.is_refused,
        )

    def _parsed(self, answer: ApiAnswer) -> Any:
        try:
            return json.loads(answer.content)
        except ValueError as error:
            raise self._strange("no JSON") from error

    def _checked(self, answer: Any, shape: type[Shape]) -> Shape:
        try:
            return shape.model_validate(answer)
        except ValidationError as error:
            raise self._strange(str(error.errors(include_input=False)[0])) from error

    def _strange(self, detail: str) -> ApiUnavailable:
        return ApiUnavailable(
            f"{self.url} does not answer as Trueline's API does: {detail}",
            "check TRUELINE_API_URL and that API and worker have the same version",
        )


def _named(leases: Iterable[Lease]) -> dict[str, Any]:
    return {
        "leases": [
            {"job_id": lease.job_id, "attempt": lease.attempt, "token": lease.token}
            for lease in leases
        ]
    }


def _gives_nothing_away(answer: ApiAnswer) -> bool:
    is_nobody_there = answer.status == GATEWAY_FOUND_NOBODY
    return is_nobody_there or _problem(answer).get("type") == DATABASE_AWAY


def _problem(answer: ApiAnswer) -> Mapping[str, Any]:
    try:
        problem = json.loads(answer.content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _retry_after_seconds(answer: ApiAnswer) -> float:
    try:
        return min(max(float(answer.headers.get("Retry-After", "0")), 0.0), 60.0)
    except ValueError:
        return 0.0
