"""Tells the API what this worker can run; what could not be told is told later."""

import threading
from collections.abc import Callable
from typing import Any

import structlog

from utils.manifest import is_name
from worker.api_answers import Known
from worker.api_client import ApiClient
from worker.api_errors import ApiRefused, ApiUnavailable
from worker.catalogue import Catalogue, Offer
from worker.current_catalogue import CurrentCatalogue
from worker.egress import Egress
from worker.environment import Environment
from worker.isolation import Isolation
from worker.job_order import Prepared
from worker.sync import Sync
from worker.warm_state import WarmState

log = structlog.get_logger()


class Publishing:
    """Sends the catalogue in force as a whole; the API keeps the last one of each worker."""

    def __init__(
        self,
        client: ApiClient,
        current: CurrentCatalogue,
        sync: Sync,
        isolation: Isolation,
        warm_state: Callable[[Prepared], WarmState],
        egress: str = Egress.OPEN,
    ) -> None:
        self._client = client
        self._warm_state = warm_state
        self._told_warm: dict[str, WarmState] = {}
        self.current = current
        self._sync = sync
        self._isolation = isolation
        self._egress = egress
        self._lock = threading.Lock()
        self._outdated = True
        self._waiting: list[str] = []

    def publish(self) -> None:
        """Send the catalogue now; when that fails, `catch_up` tries again."""
        with self._lock:  # one that is being sent now was read before
            self._outdated = True
            self._send_if_outdated()

    def catch_up(self) -> None:
        """Send the catalogue if the API does not have it yet."""
        with self._lock:
            self._send_if_outdated()

    def _send_if_outdated(self) -> None:
        catalogue = self.current.get()
        warm = {one.integration: self._warm_state(one) for one in catalogue.prepared}
        if not self._outdated and warm == self._told_warm:
            return
        self._told_warm = warm
        try:
            known = self._client.put_catalogue(self._as_json(catalogue))
        except (ApiUnavailable, ApiRefused) as error:
            self._outdated = True
            log.warning("catalogue not sent", reason=error.reason, advice=error.advice)
            return
        self._note(catalogue, known)

    def _note(self, catalogue: Catalogue, known: Known) -> None:
        ready = {name for name, offer in catalogue.offers.items() if offer.is_ready}
        waiting = sorted(ready.intersection(known.unknown))
        self._outdated = bool(waiting)  # init will register them; then the API wants them again
        if waiting != self._waiting or not waiting:
            log.info("catalogue sent", commit=catalogue.commit, unregistered=waiting)
        self._waiting = waiting

    def _as_json(self, catalogue: Catalogue) -> dict[str, Any]:
        state = self._sync.state
        source = self._sync.source
        return {
            "commit": catalogue.commit,
            "source": {
                "url": source.shown,
                "ref": source.ref,
                "state": state.name,
                "problem": state.problem.as_json() if state.problem else None,
            },
            "isolation": str(self._isolation),
            "egress": self._egress,
            "integrations": [
                _offer_as_json(offer, self._told_warm.get(name))
                for name, offer in catalogue.offers.items()
                if is_name(name)  # no record can have another, and the API would refuse the whole
            ],
        }


def _offer_as_json(offer: Offer, warm: WarmState | None) -> dict[str, Any]:
    good = offer.good
    return {
        "name": offer.name,
        "state": "ready" if offer.is_ready else "broken",
        "commit": good.prepared.commit if good else None,
        "tasks": [dict(task) for task in good.tasks] if good else [],
        "environment": _environment_as_json(good.prepared.environment, warm) if good else None,
        "tier": good.tier if good else None,
        "problem": offer.problem.as_json() if offer.problem else None,
    }


def _environment_as_json(environment: Environment, warm: WarmState | None) -> dict[str, Any]:
    return {
        "key": environment.key,
        "seconds": environment.seconds,
        "warm": warm.as_json() if warm else None,
    }
