"""Sends what is queued: each receiver has a lane of its own, so that none holds up another."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.apprise_process import AppriseProcess
from api.clock import Clock
from api.config_secrets import SecretBox
from api.database import Database
from api.deliveries import Claimed, DeliveryStatus, claim_one, receivers_due, record_try
from api.delivery_rules import Tried
from api.messages import CONTENT_TYPE, cloud_event, message
from api.posting import PostFailed, Ways, post
from api.receiver_address import BadReceiver, read_receiver
from api.secret_key import SecretKeyError
from api.signatures import key_of, signed_headers
from api.subscriptions import Kind
from api.webhooks import Opened, open_sealed
from utils import __version__
from utils.failpoints import failpoint

MOST_LANES = 32  # receivers that are sent to at once
RESULTS = {  # of a try, as the metric calls them
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.PENDING: "failed",
    DeliveryStatus.DEAD: "dead",
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Outside:
    """What a sender needs to reach receivers."""

    secrets: SecretBox
    ways: Ways
    apprise: AppriseProcess
    public_url: str
    tell_result: Callable[[str], None]


class Sender:
    """Starts a lane for each receiver that something is due for; `stopping` ends them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        outside: Outside,
        stopping: Callable[[], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._outside = outside
        self._stopping = stopping
        self._lock = threading.Lock()
        self._lanes: set[str] = set()

    def send_due(self) -> None:
        """Begin to send what is due; returns at once."""
        with self._database.read() as connection:
            due = receivers_due(connection, self._clock())
        for webhook_id in due:
            with self._lock:
                if webhook_id in self._lanes or len(self._lanes) >= MOST_LANES:
                    continue
                self._lanes.add(webhook_id)
            self._start_lane(webhook_id)

    def send_all(self, webhook_id: str) -> int:
        """Send what is due for one receiver, one after the other; return how many were tried."""
        tried = 0
        while not self._stopping() and self._send_one(webhook_id):
            tried += 1
        return tried

    def _start_lane(self, webhook_id: str) -> None:
        name = f"deliveries-{webhook_id[:8]}"
        lane = threading.Thread(target=self._run, args=(webhook_id,), name=name, daemon=True)
        try:
            lane.start()
        except RuntimeError:  # this machine has no room for another; the next look tries again
            with self._lock:
                self._lanes.discard(webhook_id)
            raise

    def _run(self, webhook_id: str) -> None:
        try:
            self.send_all(webhook_id)
        except SQLAlchemyError:  # the next look tries again; the claim runs out by itself
            log.warning("delivery not recorded", webhook=webhook_id, advice="see the database")
        except Exception:
            log.exception("delivery crashed", webhook=webhook_id)
        finally:
            with self._lock:
                self._lanes.discard(webhook_id)

    def _send_one(self, webhook_id: str) -> bool:
        # What a power failure takes back here is sent again: receivers know it by its id.
        with self._database.write(durable=False) as connection:
            claimed = claim_one(connection, webhook_id, self._clock())
        if claimed is None:
            return False
        failpoint("delivery.claimed")
        tried = self._try(claimed)
        failpoint("delivery.sent")
        with self._database.write(durable=False) as connection:
            luck = random.random()  # noqa: S311 - spreads tries over time
            status = record_try(connection, claimed, tried, self._clock(), luck)
        if status is not None:
            self._outside.tell_result(RESULTS[status])
        if tried.error:
            log.warning(
                "delivery failed",
                webhook=webhook_id,
                delivery=claimed.id,
                attempt=claimed.attempts,
                reason=tried.error,
            )
        return True

    def _try(self, claimed: Claimed) -> Tried:
        try:
            opened = open_sealed(self._outside.secrets, claimed.row.webhook_id, claimed.row.sealed)
        except SecretKeyError:
            return Tried(
                "what is sealed of this webhook cannot be opened with the key that is here"
            )
        if claimed.row.kind == Kind.APPRISE:
            return self._tell_people(claimed, opened)
        return self._post(claimed, opened)

    def _post(self, claimed: Claimed, opened: Opened) -> Tried:
        row, ways = claimed.row, self._outside.ways
        body = cloud_event(row.event_id, row.type, row.event, self._outside.public_url)
        now = self._clock()
        keys = [key_of(secret) for secret in opened.secrets(now)]
        headers = {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": f"trueline/{__version__}",
            **signed_headers(row.event_id, int(now.timestamp()), body, keys),
        }
        try:
            answered = post(read_receiver(opened.url, ways.exempt), headers, body, ways)
        except BadReceiver as error:
            return Tried(error.reason)
        except PostFailed as error:
            return Tried(str(error))
        if 200 <= answered.status < 300:
            return Tried(answer=answered.status)
        redirect = " (redirects are not followed)" if 300 <= answered.status < 400 else ""
        failure = f"it answered {answered.status}{redirect}"
        return Tried(failure, answered.status, answered.retry_after_seconds)

    def _tell_people(self, claimed: Claimed, opened: Opened) -> Tried:
        row = claimed.row
        told = message(row.type, row.event, self._outside.public_url)
        order = {"title": told.title, "body": told.body, "tone": told.tone, "url": opened.url}
        return Tried(self._outside.apprise.run({"do": "send", **order}))
