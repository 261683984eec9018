"""One GET to one URL, answered as the server answers it: any status, no redirect followed.

Certificates are not verified here. No credential is sent, a collector of its own judges them, and
what an expired one hides of a site would make every other verdict unknown.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from integrations.http_endpoints.time_left import NoTimeLeft, allowed_seconds
from integrations.http_endpoints.trust import Trust
from utils.base_runner import TaskContext
from utils.errors import IntegrationPermanentError
from utils.http import Answer, HTTPOptions

BODY_BYTES = 16 * 1024 * 1024  # sixteen of them are held at a time
# What a browser's first request says that it takes.
_HEADERS = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass(frozen=True)
class Asking:
    """How URLs are asked for; threads share it."""

    ctx: TaskContext
    trust: Trust
    timeout_seconds: float

    def get(self, url: str, attempts: int = 1) -> Answer:
        """Return the answer, over a connection of its own; raises IntegrationError.

        It is an IntegrationPermanentError where the server was not asked at all.
        """
        parts = urlsplit(url)
        client = self.ctx.http(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            headers=_HEADERS,
            timeout=self._seconds(),
            max_retries=attempts,
            options=HTTPOptions(verify=self.trust.unverified, max_body_bytes=BODY_BYTES),
        )
        with client:
            return client.request("GET", url, as_is=True)

    def _seconds(self) -> float:
        try:
            return allowed_seconds(self.timeout_seconds)
        except NoTimeLeft as error:
            raise IntegrationPermanentError(str(error)) from error


def asking_of(ctx: TaskContext) -> Asking:
    """Return how the URLs of this job are asked for."""
    timeout_seconds = float(ctx.config.get("timeout_seconds", 10))
    return Asking(ctx, ctx.base("trust"), timeout_seconds)
