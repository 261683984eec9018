"""A method for each operation of the API.

Made from the API's description by `make client`; do not edit.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal

from utils.client.models import (
    Accepted,
    AuditAnswer,
    AuditList,
    Closed,
    DecisionBody,
    Delivery,
    DeliveryList,
    DeliveryStatus,
    Deployment,
    DeploymentChanges,
    DeploymentList,
    DeploymentState,
    Heard,
    Integration,
    IntegrationList,
    IntegrationState,
    JobAnswer,
    JobList,
    JobStatus,
    Live,
    Me,
    NewDeployment,
    NewToken,
    NewWebhook,
    Ready,
    Registration,
    Severity,
    TakenAnswer,
    TaskResults,
    TokenAnswer,
    TokenBody,
    TokenList,
    ViolationAnswer,
    ViolationList,
    ViolationStatus,
    Webhook,
    WebhookChanges,
    WebhookList,
    WorkerBody,
    WorkerList,
    WrittenWebhook,
)
from utils.client.transport import Transport, part


class Operations(Transport):
    """The operations, by the names of the description."""

    async def init_integrations(self, *, idempotency_key: str | None = None) -> Registration:
        """Read the source's manifest now and record what it lists."""
        return await self.send(
            "POST",
            "/init-integrations",
            Registration,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def list_integrations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        sort: Literal["name", "-name"] | None = None,
        state: Sequence[IntegrationState] = (),
    ) -> IntegrationList:
        """List the integrations by name."""
        return await self.send(
            "GET",
            "/api/v1/integrations",
            IntegrationList,
            query={"limit": limit, "cursor": cursor, "sort": sort, "state": state},
        )

    async def list_integrations_all(
        self,
        *,
        page_size: int = 100,
        sort: Literal["name", "-name"] | None = None,
        state: Sequence[IntegrationState] = (),
    ) -> AsyncIterator[Integration]:
        """List the integrations by name: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_integrations(
                limit=page_size, cursor=cursor, sort=sort, state=state
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def read_integration(self, name: str) -> Integration:
        """Read one integration."""
        return await self.send("GET", f"/api/v1/integrations/{part(name)}", Integration)

    async def list_deployments(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        sort: Literal["created_at", "-created_at", "name", "-name"] | None = None,
        state: Sequence[DeploymentState] = (),
        integration: Sequence[str] = (),
    ) -> DeploymentList:
        """List the deployments, newest first."""
        return await self.send(
            "GET",
            "/api/v1/deployments",
            DeploymentList,
            query={
                "limit": limit,
                "cursor": cursor,
                "since": since,
                "until": until,
                "sort": sort,
                "state": state,
                "integration": integration,
            },
        )

    async def list_deployments_all(
        self,
        *,
        page_size: int = 100,
        since: datetime | None = None,
        until: datetime | None = None,
        sort: Literal["created_at", "-created_at", "name", "-name"] | None = None,
        state: Sequence[DeploymentState] = (),
        integration: Sequence[str] = (),
    ) -> AsyncIterator[Deployment]:
        """List the deployments, newest first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_deployments(
                limit=page_size,
                cursor=cursor,
                since=since,
                until=until,
                sort=sort,
                state=state,
                integration=integration,
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def create_deployment(
        self, body: NewDeployment, *, idempotency_key: str | None = None
    ) -> Deployment:
        """Create a deployment."""
        return await self.send(
            "POST",
            "/api/v1/deployments",
            Deployment,
            body=body,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def read_deployment(self, deployment: str) -> Deployment:
        """Read one deployment by its id or name."""
        return await self.send("GET", f"/api/v1/deployments/{part(deployment)}", Deployment)

    async def delete_deployment(self, deployment: str, *, if_match: str | None = None) -> None:
        """Delete a deployment: its jobs stay as history, its open violations are resolved."""
        await self.send(
            "DELETE",
            f"/api/v1/deployments/{part(deployment)}",
            None,
            headers={"If-Match": if_match},
        )

    async def change_deployment(
        self, deployment: str, body: DeploymentChanges, *, if_match: str | None = None
    ) -> Deployment:
        """Change some fields of a deployment; `enabled` pauses and resumes it."""
        return await self.send(
            "PATCH",
            f"/api/v1/deployments/{part(deployment)}",
            Deployment,
            body=body,
            headers={"If-Match": if_match},
        )

    async def start_job(self, deployment: str, *, idempotency_key: str | None = None) -> Accepted:
        """Ask for a job of a deployment, given by its id or name."""
        return await self.send(
            "POST",
            f"/api/v1/deployments/{part(deployment)}/jobs",
            Accepted,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def list_jobs(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        deployment: Sequence[str] = (),
        integration: Sequence[str] = (),
        sort: Literal["created_at", "-created_at"] | None = None,
        status: Sequence[JobStatus] = (),
    ) -> JobList:
        """List jobs, newest first."""
        return await self.send(
            "GET",
            "/api/v1/jobs",
            JobList,
            query={
                "limit": limit,
                "cursor": cursor,
                "since": since,
                "until": until,
                "deployment": deployment,
                "integration": integration,
                "sort": sort,
                "status": status,
            },
        )

    async def list_jobs_all(
        self,
        *,
        page_size: int = 100,
        since: datetime | None = None,
        until: datetime | None = None,
        deployment: Sequence[str] = (),
        integration: Sequence[str] = (),
        sort: Literal["created_at", "-created_at"] | None = None,
        status: Sequence[JobStatus] = (),
    ) -> AsyncIterator[JobAnswer]:
        """List jobs, newest first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_jobs(
                limit=page_size,
                cursor=cursor,
                since=since,
                until=until,
                deployment=deployment,
                integration=integration,
                sort=sort,
                status=status,
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def read_job(self, job_id: str, *, timeout: float | None = None) -> JobAnswer:
        """Read a job; with `timeout`, wait for its end: at the timeout it is told as it is."""
        return await self.send(
            "GET", f"/api/v1/jobs/{part(job_id)}", JobAnswer, query={"timeout": timeout}
        )

    async def list_task_results(self, job_id: str) -> TaskResults:
        """Read a job's task results as far as there are any."""
        return await self.send("GET", f"/api/v1/jobs/{part(job_id)}/tasks", TaskResults)

    async def cancel_job(self, job_id: str) -> JobAnswer:
        """Cancel a job: a pending one at once, a running one as soon as its worker hears of it."""
        return await self.send("POST", f"/api/v1/jobs/{part(job_id)}/cancel", JobAnswer)

    async def list_violations(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        deployment: Sequence[str] = (),
        integration: Sequence[str] = (),
        sort: Literal[
            "severity", "-severity", "last_seen", "-last_seen", "first_seen", "-first_seen"
        ]
        | None = None,
        status: Sequence[ViolationStatus] = (),
        severity: Sequence[Severity] = (),
        min_severity: Severity | None = None,
        task: Sequence[str] = (),
    ) -> ViolationList:
        """List violations, the worst first."""
        return await self.send(
            "GET",
            "/api/v1/violations",
            ViolationList,
            query={
                "limit": limit,
                "cursor": cursor,
                "since": since,
                "until": until,
                "deployment": deployment,
                "integration": integration,
                "sort": sort,
                "status": status,
                "severity": severity,
                "min_severity": min_severity,
                "task": task,
            },
        )

    async def list_violations_all(
        self,
        *,
        page_size: int = 100,
        since: datetime | None = None,
        until: datetime | None = None,
        deployment: Sequence[str] = (),
        integration: Sequence[str] = (),
        sort: Literal[
            "severity", "-severity", "last_seen", "-last_seen", "first_seen", "-first_seen"
        ]
        | None = None,
        status: Sequence[ViolationStatus] = (),
        severity: Sequence[Severity] = (),
        min_severity: Severity | None = None,
        task: Sequence[str] = (),
    ) -> AsyncIterator[ViolationAnswer]:
        """List violations, the worst first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_violations(
                limit=page_size,
                cursor=cursor,
                since=since,
                until=until,
                deployment=deployment,
                integration=integration,
                sort=sort,
                status=status,
                severity=severity,
                min_severity=min_severity,
                task=task,
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def read_violation(self, violation_id: str) -> ViolationAnswer:
        """Read one violation."""
        return await self.send("GET", f"/api/v1/violations/{part(violation_id)}", ViolationAnswer)

    async def decide_violation(
        self, violation_id: str, body: DecisionBody, *, if_match: str | None = None
    ) -> ViolationAnswer:
        """Open, acknowledge or mute a violation."""
        return await self.send(
            "PATCH",
            f"/api/v1/violations/{part(violation_id)}",
            ViolationAnswer,
            body=body,
            headers={"If-Match": if_match},
        )

    async def list_webhooks(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> WebhookList:
        """List the webhooks, newest first."""
        return await self.send(
            "GET", "/api/v1/webhooks", WebhookList, query={"limit": limit, "cursor": cursor}
        )

    async def list_webhooks_all(self, *, page_size: int = 100) -> AsyncIterator[Webhook]:
        """List the webhooks, newest first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_webhooks(limit=page_size, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def create_webhook(
        self, body: NewWebhook, *, idempotency_key: str | None = None
    ) -> WrittenWebhook:
        """Create a webhook; the answer alone tells its secret."""
        return await self.send(
            "POST",
            "/api/v1/webhooks",
            WrittenWebhook,
            body=body,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def read_webhook(self, webhook: str) -> Webhook:
        """Read one webhook."""
        return await self.send("GET", f"/api/v1/webhooks/{part(webhook)}", Webhook)

    async def delete_webhook(self, webhook: str, *, if_match: str | None = None) -> None:
        """Delete a webhook and its deliveries."""
        await self.send(
            "DELETE", f"/api/v1/webhooks/{part(webhook)}", None, headers={"If-Match": if_match}
        )

    async def change_webhook(
        self, webhook: str, body: WebhookChanges, *, if_match: str | None = None
    ) -> WrittenWebhook:
        """Change some fields of a webhook; any change has it tried again at once."""
        return await self.send(
            "PATCH",
            f"/api/v1/webhooks/{part(webhook)}",
            WrittenWebhook,
            body=body,
            headers={"If-Match": if_match},
        )

    async def test_webhook(self, webhook: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send an event that says nothing; the answer is its delivery, to be looked at."""
        return await self.send(
            "POST",
            f"/api/v1/webhooks/{part(webhook)}/test",
            Delivery,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def list_deliveries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Sequence[DeliveryStatus] = (),
        webhook: str | None = None,
    ) -> DeliveryList:
        """List deliveries, newest first."""
        return await self.send(
            "GET",
            "/api/v1/deliveries",
            DeliveryList,
            query={"limit": limit, "cursor": cursor, "status": status, "webhook": webhook},
        )

    async def list_deliveries_all(
        self,
        *,
        page_size: int = 100,
        status: Sequence[DeliveryStatus] = (),
        webhook: str | None = None,
    ) -> AsyncIterator[Delivery]:
        """List deliveries, newest first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_deliveries(
                limit=page_size, cursor=cursor, status=status, webhook=webhook
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def read_delivery(self, delivery_id: str) -> Delivery:
        """Read one delivery."""
        return await self.send("GET", f"/api/v1/deliveries/{part(delivery_id)}", Delivery)

    async def redeliver(self, delivery_id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send a delivery again that was delivered or given up."""
        return await self.send(
            "POST",
            f"/api/v1/deliveries/{part(delivery_id)}/redeliver",
            Delivery,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def take_push(self, forge: str) -> TakenAnswer:
        """Take in a forge's webhook: a push to the source has it looked at within seconds."""
        return await self.send("POST", f"/webhooks/{part(forge)}", TakenAnswer)

    async def read_task_data(self, job_id: str, task: str) -> Any:
        """Read a task's data, small or large; compressed as Accept-Encoding asks for it."""
        return await self.send(
            "GET", f"/api/v1/jobs/{part(job_id)}/tasks/{part(task)}/data", object
        )

    async def list_workers(self) -> WorkerList:
        """List the workers, those that fell silent too."""
        return await self.send("GET", "/api/v1/workers", WorkerList)

    async def report_worker(self, worker: str, body: WorkerBody) -> Heard:
        """Record how a worker is; for workers, every few seconds."""
        return await self.send("PUT", f"/api/v1/workers/{part(worker)}", Heard, body=body)

    async def check_live(self) -> Live:
        """Tell that the process answers."""
        return await self.send("GET", "/health/live", Live)

    async def check_ready(self) -> Ready:
        """Tell whether requests can be served: 503 when something that is needed does not work."""
        return await self.send("GET", "/health/ready", Ready)

    async def list_tokens(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> TokenList:
        """List tokens, newest first."""
        return await self.send(
            "GET", "/api/v1/tokens", TokenList, query={"limit": limit, "cursor": cursor}
        )

    async def list_tokens_all(self, *, page_size: int = 100) -> AsyncIterator[TokenAnswer]:
        """List tokens, newest first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_tokens(limit=page_size, cursor=cursor)
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def create_token(
        self, body: TokenBody, *, idempotency_key: str | None = None
    ) -> NewToken:
        """Issue a token; nobody can read it again."""
        return await self.send(
            "POST",
            "/api/v1/tokens",
            NewToken,
            body=body,
            headers={"Idempotency-Key": self.key(idempotency_key)},
        )

    async def revoke_token(self, token_id: str) -> TokenAnswer:
        """Take a token back: from now on every API process refuses it."""
        return await self.send("DELETE", f"/api/v1/tokens/{part(token_id)}", TokenAnswer)

    async def close_sessions(self, name: str) -> Closed:
        """Log somebody out, wherever they are logged in."""
        return await self.send("DELETE", f"/api/v1/sessions/{part(name)}", Closed)

    async def list_audit(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_id: str | None = None,
        changed: bool | None = None,
    ) -> AuditList:
        """List who changed what, newest first."""
        return await self.send(
            "GET",
            "/api/v1/audit",
            AuditList,
            query={
                "limit": limit,
                "cursor": cursor,
                "since": since,
                "until": until,
                "principal": principal,
                "action": action,
                "object_id": object_id,
                "changed": changed,
            },
        )

    async def list_audit_all(
        self,
        *,
        page_size: int = 100,
        since: datetime | None = None,
        until: datetime | None = None,
        principal: str | None = None,
        action: str | None = None,
        object_id: str | None = None,
        changed: bool | None = None,
    ) -> AsyncIterator[AuditAnswer]:
        """List who changed what, newest first: all of them, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list_audit(
                limit=page_size,
                cursor=cursor,
                since=since,
                until=until,
                principal=principal,
                action=action,
                object_id=object_id,
                changed=changed,
            )
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def read_me(self) -> Me:
        """Tell who the caller is; without a signing key it is whoever is on this machine."""
        return await self.send("GET", "/api/v1/me", Me)
