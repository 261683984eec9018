"""TLS handshakes with one server: its certificate, whether to trust it, and what it accepts."""

import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum

from integrations.http_endpoints.certificate import Certificate, read_certificate
from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.time_left import allowed_seconds
from integrations.http_endpoints.trust import OLD_PROTOCOLS, Trust
from utils.tunnel import connect


class Problem(StrEnum):
    """Why a certificate is not trusted."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    SELF_SIGNED = "self-signed"
    UNKNOWN_AUTHORITY = "unknown authority"
    OTHER = "invalid"


# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_PROBLEMS = {
    2: Problem.UNKNOWN_AUTHORITY,
    9: Problem.NOT_YET_VALID,
    10: Problem.EXPIRED,
    18: Problem.SELF_SIGNED,
    19: Problem.UNKNOWN_AUTHORITY,
    20: Problem.UNKNOWN_AUTHORITY,
    21: Problem.UNKNOWN_AUTHORITY,
    62: Problem.WRONG_NAME,
    64: Problem.WRONG_NAME,
}


@dataclass(frozen=True)
class Distrust:
    """A problem, and how the TLS library says it."""

    problem: Problem
    reason: str


@dataclass(frozen=True)
class Greeting:
    """How a server answered a handshake that does not verify."""

    certificate: Certificate
    protocol: str
    cipher: str


class Handshakes:
    """Handshakes with one server, each over a connection of its own. All raise OSError."""

    def __init__(self, endpoint: Endpoint, trust: Trust, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._trust = trust
        self._timeout_seconds = timeout_seconds

    def greet(self) -> Greeting:
        """Read the certificate, whatever it is; raises ValueError when it cannot be read."""
        der, protocol, cipher = self._shake(self._trust.unverified)
        return Greeting(read_certificate(der), protocol, cipher)

    def distrust(self, protocol: str) -> Distrust | None:
        """Return why a careful client refuses the server; None when it does not."""
        is_old = protocol in OLD_PROTOCOLS
        try:
            self._shake(self._trust.verified_old if is_old else self._trust.verified)
        except ssl.SSLCertVerificationError as error:
            problem = _PROBLEMS.get(error.verify_code, Problem.OTHER)
            return Distrust(problem, error.verify_message or str(error))
        return None

    def outdated_protocol(self) -> str | None:
        """Return the outdated protocol that the server still accepts; None for a refusal."""
        with self._connected() as connection:
            try:
                return self._greeted(connection, self._trust.outdated)[1]
            except TimeoutError:
                raise
            except (ssl.SSLError, ConnectionError):
                return None  # an alert is the usual refusal, and some servers hang up

    def _shake(self, context: ssl.SSLContext) -> tuple[bytes, str, str]:
        with self._connected() as connection:
            return self._greeted(connection, context)

    def _connected(self) -> socket.socket:
        seconds = allowed_seconds(self._timeout_seconds)
        connection = connect(self._endpoint.host, self._endpoint.port, seconds)
        connection.settimeout(seconds)
        return connection

    def _greeted(
        self, connection: socket.socket, context: ssl.SSLContext
    ) -> tuple[bytes, str, str]:
        with context.wrap_socket(connection, server_hostname=self._endpoint.host) as secured:
            der = secured.getpeercert(binary_form=True) or b""
            cipher = secured.cipher()
            return der, secured.version() or "", cipher[0] if cipher else ""
