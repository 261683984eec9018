"""Puts the secrets that a job's config refers to into it, just before the job starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.integration_errors import Cause
from utils.pointers import value_at, with_values
from utils.references import BadReference, Reference, parse_reference
from utils.settings import Settings
from worker.allowed_references import Allowance, ReferenceRefused, read_allowed
from worker.errors import WorkerError
from worker.secret_files import read_secret_file
from worker.stop_signal import StopSignal

if TYPE_CHECKING:
    from worker.vault import Vault


class Unresolved(WorkerError):  # noqa: N818 - reads as the state it reports
    """A job cannot run without one of its secrets; `cause` says what becomes of it."""

    def __init__(self, reason: str, advice: str, cause: Cause | None = None) -> None:
        super().__init__(reason, advice)
        self.cause = cause


@dataclass(frozen=True)
class SecretReferences:
    """Resolves references for the jobs of one worker; any thread may call it."""

    settings: Settings
    environ: Mapping[str, str]
    vault: "Vault | None" = None

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> "SecretReferences":
        """Make it from the settings; raises SettingsError."""
        vault = None
        if settings.vault_addr or settings.vault_token_file or settings.vault_role_id:
            from worker.vault import Vault  # noqa: PLC0415 - its libraries take 0.3 s to import

            vault = Vault.of(settings)
        return cls(settings, environ, vault)

    def check(self) -> None:
        """Raise TruelineError when the operator's file or Vault cannot be used."""
        read_allowed(self.settings.references_file)
        if self.vault is not None:
            self.vault.check()

    def resolve(
        self, integration: str, config: Mapping[str, Any], pointers: Sequence[str], stop: StopSignal
    ) -> dict[str, Any]:
        """Return the config with the secret at each pointer; raises Unresolved.

        Files are read, and Vault is asked, each time.
        """
        resolved = dict(config)
        for pointer in pointers:
            try:
                reference = _reference_at(config, pointer)
                allowed = read_allowed(self.settings.references_file)
                secret = self._secret(reference, allowed.find(integration, reference), stop)
            except WorkerError as error:
                reason = f"the secret at {pointer} of the config: {error.reason}"
                raise Unresolved(reason, error.advice, getattr(error, "cause", None)) from error
            resolved = with_values(resolved, {pointer: secret})
        return resolved

    def _secret(self, reference: Reference, allowance: Allowance, stop: StopSignal) -> str:
        ways: Mapping[str, Callable[[], str]] = {
            "env": lambda: self._variable(reference.place),
            "file": lambda: read_secret_file(
                Path(reference.place), allowance.folder, (self.settings.data_dir,)
            ),
            "vault": lambda: self._vault_secret(reference, stop),
        }
        return ways[reference.scheme]()

    def _variable(self, name: str) -> str:
        value = self.environ.get(name, "")
        if not value.strip():
            raise ReferenceRefused(
                f"env:{name} is not set on this worker, or empty",
                "set the variable for every worker and start them again",
            )
        return value

    def _vault_secret(self, reference: Reference, stop: StopSignal) -> str:
        if self.vault is None:
            raise ReferenceRefused(
                f"{reference} cannot be read: this worker knows no Vault",
                "set TRUELINE_VAULT_ADDR and a way to log in on every worker",
            )
        return self.vault.read(reference, stop)


def _reference_at(config: Mapping[str, Any], pointer: str) -> Reference:
    text = value_at(config, pointer)
    try:
        reference = parse_reference(text) if isinstance(text, str) else None
    except BadReference as error:
        raise ReferenceRefused(error.reason, error.advice) from error
    if reference is None:
        raise ReferenceRefused(
            "the API calls this a reference to a secret, and it is none",
            "start API and worker from the same version",
        )
    return reference
