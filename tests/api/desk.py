"""Jobs as users and workers drive them: asked for, leased, reported, all over the routes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.hand_clock import HandClock
from utils import __version__


@dataclass(frozen=True)
class Desk:
    """Drives jobs over the routes as users and workers do."""

    client: FlaskClient
    clock: HandClock
    seqs: dict[tuple[str, int], int]

    def deploy(self, name: str = "nightly", **fields: Any) -> str:
        body = {"name": name, "integration": "tool", "config": {}} | fields
        return str(self.good(self.client.post("/api/v1/deployments", json=body))["id"])

    def start(self, deployment: str = "nightly") -> str:
        answer = self.client.post(f"/api/v1/deployments/{deployment}/jobs")
        return str(self.good(answer)["job_id"])

    def lease(self, worker: str = "w1", slots: int = 1) -> list[dict[str, Any]]:
        body = {"worker": worker, "slots": slots, "wait_seconds": 0, "version": __version__}
        leases: list[dict[str, Any]] = self.good(self.client.post("/api/v1/leases", json=body))[
            "leases"
        ]
        return leases

    def event(self, lease: Mapping[str, Any], kind: str, **fields: Any) -> dict[str, Any]:
        """Number an event after the last one of its attempt."""
        attempt = (lease["job_id"], lease["attempt"])
        self.seqs[attempt] = self.seqs.get(attempt, 0) + 1
        return {"seq": self.seqs[attempt], "at": self.clock.now.isoformat(), "type": kind} | fields

    def started(self, lease: Mapping[str, Any], worker: str = "w1") -> dict[str, Any]:
        fields = {"commit": "c" * 40, "environment": "e1", "isolation": "process"}
        return self.event(lease, "started", worker=worker, **fields)

    def finished(self, lease: Mapping[str, Any], name: str, **fields: Any) -> dict[str, Any]:
        """Report an insight; it passes unless `fields` say otherwise."""
        result: dict[str, Any] = {
            "name": name,
            "title": name.title(),
            "type": "insight",
            "status": "success",
            "verdict": "pass",
            "severity": "high",
            "message": None,
            "data": {},
            "resources": None,
            "errors": None,
            "logs": [],
            "duration_seconds": 0.1,
            "reason": None,
            "partial": [],
            "cause": None,
        }
        return self.event(lease, "task_finished", result=result | fields)

    def ended(
        self, lease: Mapping[str, Any], status: str = "success", **fields: Any
    ) -> dict[str, Any]:
        return self.event(lease, "job_finished", **{"status": status, "error": None} | fields)

    def send(self, lease: Mapping[str, Any], *events: Mapping[str, Any]) -> TestResponse:
        report = {name: lease[name] for name in ("job_id", "attempt", "token")}
        body = {"reports": [report | {"events": list(events)}]}
        return self.client.post("/api/v1/events", json=body)

    def run(self, *results: Mapping[str, Any], deployment: str = "nightly") -> str:
        """Carry out a whole job that reports these results."""
        job_id = self.start(deployment)
        (lease,) = self.lease()
        tasks = [self.finished(lease, **dict(result)) for result in results]
        self.good(self.send(lease, *tasks, self.ended(lease, "partial")))
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        return self.good(self.client.get(f"/api/v1/jobs/{job_id}"))

    def violations(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/violations", query_string=query)
        items: list[dict[str, Any]] = self.good(answer)["items"]
        return items

    def good(self, answer: TestResponse) -> dict[str, Any]:
        assert answer.status_code < 300, answer.json
        content: dict[str, Any] = answer.json or {}
        return content
