"""The OpenID provider at which people log in: Authorization Code with PKCE, by discovery.

Imported where one is set: its client costs each start of the API a tenth of a second.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any

import httpx2
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from api.logins import Login
from api.oidc_registration import Registration, is_private
from api.people import claimed, person
from api.principal import Principal
from api.problems import Forbidden, Unavailable

SCOPE = "openid email profile"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
LEEWAY_SECONDS = 60
ANSWER_SECONDS = 10.0
KNOWN_SECONDS = 600.0
MOST_AT_ONCE = 8  # while the provider is silent, the API's other threads stay free


class Provider:
    """Sends people there and makes principals of those who come back."""

    def __init__(self, registration: Registration) -> None:
        self._at = registration
        self._places: Mapping[str, Any] = {}
        self._looked_at = float("-inf")
        self._room = BoundedSemaphore(MOST_AT_ONCE)

    def address(self, login: Login, redirect_uri: str) -> str:
        """Return where the browser goes to log in; raises Unavailable."""
        with self._client(redirect_uri) as client:
            address, _ = client.create_authorization_url(
                self._find(client)["authorization_endpoint"],
                state=login.state,
                nonce=login.nonce,
                code_verifier=login.verifier,
            )
        return str(address)

    def person(self, code: str, login: Login, redirect_uri: str, now: datetime) -> Principal:
        """Trade the code that the browser brought for who that is; raises Problem."""
        with self._client(redirect_uri) as client:
            places = self._find(client)
            answer = client.fetch_token(
                places["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=login.verifier,
            )
            keys = _get(client, places["jwks_uri"])
            claims = self._checked(answer, keys, login, now)
            if "userinfo_endpoint" in places and not claimed(claims, self._at.role_claim):
                told = _get(client, places["userinfo_endpoint"], answer["access_token"])
                claims |= told if told.get("sub") == claims["sub"] else {}
        at = self._at
        return person(claims, at.name_claim, at.role_claim, at.roles)

    @contextmanager
    def _client(self, redirect_uri: str) -> Iterator[Any]:
        if not self._room.acquire(blocking=False):
            raise self._away("too many people are logging in")
        try:
            with OAuth2Client(
                self._at.client_id,
                self._secret(),
                scope=SCOPE,
                redirect_uri=redirect_uri,
                code_challenge_method="S256",
                timeout=ANSWER_SECONDS,
            ) as client:
                yield client
        except OAuthError as error:
            raise Forbidden(
                f"the OpenID provider did not accept the log-in: {error.error}"[:200],
                "log in again; if that does not help, compare client id, secret and redirect "
                "address with what the provider knows",
            ) from error
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise self._away(type(error).__name__) from error
        finally:
            self._room.release()

    def _find(self, client: Any) -> Mapping[str, Any]:
        """Return the provider's own description, looked up now and then."""
        now = time.monotonic()
        if now - self._looked_at > KNOWN_SECONDS:
            issuer = self._at.issuer
            places = _get(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if places["issuer"] != issuer:
                raise self._away(f"it calls itself {str(places['issuer'])[:200]}")
            if not all(is_private(places[name]) for name in ENDPOINTS):
                raise self._away("one of its addresses is not https")
            self._places, self._looked_at = places, now
        return self._places

    def _checked(
        self, answer: Mapping[str, Any], keys: Any, login: Login, now: datetime
    ) -> dict[str, Any]:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            token = jwt.decode(answer["id_token"], KeySet.import_key_set(keys), registry=registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"value": self._at.issuer}, "aud": {"value": self._at.client_id}},
                {
                    "nonce": login.nonce,
                    "client_id": self._at.client_id,
                    "access_token": answer.get("access_token"),
                },
            )
            claims.validate(int(now.timestamp()), LEEWAY_SECONDS)
        except (JoseError, KeyError, TypeError, ValueError) as error:
            why = getattr(error, "error", type(error).__name__)
            raise Forbidden(
                f"what the OpenID provider says of you cannot be believed: {why}",
                "log in again; if that does not help, look at the clocks of both machines",
            ) from error
        return dict(token.claims)

    def _secret(self) -> str | None:
        if self._at.secret_file is None:
            return None
        try:
            return self._at.secret_file.read_text("utf-8").strip()
        except OSError as error:
            raise self._away("TRUELINE_OIDC_CLIENT_SECRET_FILE cannot be read") from error

    def _away(self, why: str) -> Unavailable:
        return Unavailable(
            f"the OpenID provider {self._at.issuer} cannot be used: {why}",
            "try again in a moment, or log in with a token; who runs this API looks at "
            "TRUELINE_OIDC_ISSUER and at the provider",
            retry_after_seconds=10,
        )


def _get(client: Any, address: str, token: str | None = None) -> Any:
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    answer = client.request("GET", address, headers=headers, withhold_token=True)
    answer.raise_for_status()
    content = answer.json()
    if not isinstance(content, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - what came is wrong, not what was given
    return content
