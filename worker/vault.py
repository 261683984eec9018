"""Reads secrets from Vault, or OpenBao: one log-in, short memory, bounded waiting."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import hvac
import requests
from hvac import exceptions

from utils.integration_errors import Cause
from utils.references import Reference
from utils.settings import Settings
from worker.errors import WorkerError
from worker.stop_signal import StopSignal
from worker.vault_login import Login, LoginFileUnreadable, Ticket, login_of

REMEMBERED_SECONDS = 5.0
RENEW_SHARE = 2 / 3  # of a token's life
WAITS_SECONDS = (0.2, 1.0)  # between tries
_REFUSED = (exceptions.Forbidden, exceptions.Unauthorized)
_AWAY = (
    requests.RequestException,
    exceptions.VaultDown,  # sealed, or in maintenance
    exceptions.VaultNotInitialized,
    exceptions.InternalServerError,
    exceptions.BadGateway,
    exceptions.RateLimitExceeded,
    exceptions.UnexpectedError,
)
Answer = TypeVar("Answer")


class VaultError(WorkerError):
    """A secret cannot be had from Vault; `cause` says what becomes of the job."""

    def __init__(self, reason: str, advice: str, cause: Cause | None) -> None:
        super().__init__(reason, advice)
        self.cause = cause


@dataclass(frozen=True)
class _Remembered:
    fields: Mapping[str, Any] = field(repr=False)
    until: float


class Vault:
    """Thread-safe; what it has read is forgotten after seconds."""

    def __init__(
        self, settings: Settings, login: Login, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.address = settings.vault_addr
        self._settings = settings
        self._login = login
        self._clock = clock
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None
        self._renew_at = 0.0
        self._memory: dict[str, _Remembered] = {}

    @classmethod
    def of(cls, settings: Settings) -> "Vault | None":
        """Return the Vault of the settings, if there is one; raises SettingsError."""
        login = login_of(settings)
        return None if login is None else cls(settings, login)

    def read(self, reference: Reference, stop: StopSignal) -> str:
        """Return a field of what a path holds; raises VaultError, soon after a stop, too."""
        fields = self._fields(reference.place, stop)
        if reference.field not in fields:
            raise VaultError(
                f"what Vault has at {reference.place} has no field {reference.field!r}",
                "name one of its fields after the `#`",
                Cause.AUTH,
            )
        value = fields[reference.field]
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not text.strip():
            raise VaultError(
                f"the field {reference.field!r} at {reference.place} in Vault is not a text, or "
                "is empty",
                "store the secret there as a text",
                Cause.AUTH,
            )
        return text

    def check(self) -> None:
        """Raise VaultError unless Vault answers and lets this worker in."""
        health = "sys/health?standbyok=true&perfstandbyok=true"
        self._tried(lambda: _get(self._valid_ticket(), health), StopSignal())

    def _fields(self, path: str, stop: StopSignal) -> Mapping[str, Any]:
        remembered = self._memory.get(path)
        if remembered is not None and self._clock() < remembered.until:
            return remembered.fields
        answer = self._tried(lambda: self._asked(path), stop)
        fields, seconds = _fields_of(path, answer)
        now = self._clock()
        with self._lock:
            self._memory = {key: one for key, one in self._memory.items() if now < one.until}
            self._memory[path] = _Remembered(fields, now + seconds)
        return fields

    def _tried(self, act: Callable[[], Answer], stop: StopSignal) -> Answer:
        """Act; what may be better soon is tried again, a few times."""
        for wait in (*WAITS_SECONDS, None):
            try:
                return act()
            except _AWAY as error:
                if wait is None or stop.reason is not None:
                    raise self._away(error) from error
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _asked(self, path: str) -> Any:
        ticket = self._valid_ticket()
        try:
            return _get(ticket, path)
        except _REFUSED:
            pass  # the token may have ended before its time
        try:
            return _get(self._log_in(ticket), path)
        except _REFUSED as error:
            raise VaultError(
                f"Vault does not let this worker read {path}",
                f'give its policy: path "{path}" {{ capabilities = ["read"] }}; or correct the '
                "reference",
                Cause.AUTH,
            ) from error

    def _valid_ticket(self) -> Ticket:
        ticket = self._ticket
        if ticket is None or self._clock() >= self._renew_at:
            return self._log_in(ticket)
        return ticket

    def _log_in(self, instead_of: Ticket | None) -> Ticket:
        with self._lock:
            if self._ticket is not None and self._ticket is not instead_of:
                return self._ticket  # another thread was quicker
            try:
                ticket = self._login.log_in(self._client())
            except (*_REFUSED, exceptions.InvalidRequest, exceptions.InvalidPath) as error:
                raise self._refused(error) from error
            except LoginFileUnreadable as error:
                raise VaultError(
                    f"log-in to Vault: {error.reason}", error.advice, Cause.TEMPORARY
                ) from error
            self._ticket = ticket
            life = float("inf") if ticket.seconds is None else ticket.seconds
            self._renew_at = self._clock() + RENEW_SHARE * life
            return ticket

    def _client(self) -> hvac.Client:
        session = requests.Session()
        session.trust_env = False  # no proxy, .netrc or authority that a shell has left
        ca_file = self._settings.vault_ca_file
        session.verify = str(ca_file) if ca_file else True
        return hvac.Client(
            url=self.address,
            token="",  # not the one of somebody's home
            namespace=self._settings.vault_namespace or None,
            timeout=self._settings.vault_timeout_seconds,
            session=session,
            allow_redirects=False,  # the token would go along
        )

    def _away(self, error: Exception) -> VaultError:
        what = {
            exceptions.VaultDown: "is sealed or in maintenance",
            exceptions.VaultNotInitialized: "is not initialized",
            requests.exceptions.SSLError: "shows a certificate that is not trusted",
        }.get(type(error), f"does not answer ({type(error).__name__})")
        return VaultError(
            f"Vault at {self.address} {what}",
            "see that it runs, is unsealed and can be reached from the worker; the job is tried "
            "again a few times",
            Cause.TEMPORARY,
        )

    def _refused(self, error: exceptions.VaultError) -> VaultError:
        return VaultError(
            f"Vault at {self.address} refuses the worker's log-in ({type(error).__name__})",
            "renew what the worker logs in with; see the settings TRUELINE_VAULT_ in "
            "docs/secrets.md",
            Cause.TEMPORARY,  # the worker's own matter: the deployment is not at fault
        )


def _get(ticket: Ticket, path: str) -> Any:
    try:
        return ticket.client.adapter.get(f"/v1/{path}")
    except (exceptions.InvalidPath, exceptions.InvalidRequest) as error:
        raise VaultError(
            f"Vault has nothing at {path}",
            "correct the reference: a secret of a KV engine of version 2 is at `mount/data/name`, "
            "one of version 1 at `mount/name`",
            Cause.AUTH,
        ) from error


def _fields_of(path: str, answer: Any) -> tuple[Mapping[str, Any], float]:
    """Return the fields of a KV engine's answer, version 1 or 2, and how long they may be kept."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise VaultError(
            f"what Vault has at {path} is no secret of a KV engine",
            "name a secret; one of a KV engine of version 2 is at `mount/data/name`",
            Cause.AUTH,
        )
    metadata = data.get("metadata")
    if isinstance(metadata, dict) and "created_time" in metadata and isinstance(data["data"], dict):
        data = data["data"]
    lease_seconds = answer.get("lease_duration") or REMEMBERED_SECONDS
    return data, min(REMEMBERED_SECONDS, float(lease_seconds))
