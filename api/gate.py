"""Believes tokens and sessions, or doesn't; revocation counts from the next request on."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from threading import Lock

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.clock import Clock
from api.database import Database
from api.issued_tokens import IssuedToken, find_token, is_use_due, note_use
from api.principal import Principal
from api.problems import Unauthorized
from api.sessions import Session, find_session
from api.signing_key import SigningKeys
from api.tokens import ADVICE, Claims, check_age, verify

MOST_VERIFIED = 4096

log = structlog.get_logger()


class RefusedToken(Unauthorized):
    """A token that the API has signed, and no longer believes; `principal` is whose it was."""

    def __init__(self, reason: str, principal: Principal) -> None:
        super().__init__(reason, ADVICE)
        self.principal = principal


class Gate:
    """Tells who is behind a token or a cookie."""

    def __init__(self, keys: SigningKeys, database: Database, clock: Clock) -> None:
        self.keys = keys
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    def admit(self, token: str, later: Callable[[Callable[[], None]], None]) -> Principal:
        """Return who bears the token; raises Unauthorized.

        `later` is given what is to be written down once the request has been answered.
        """
        now = self._clock()
        claims = self._believed(token, now)
        with self._database.read() as connection:
            issued = find_token(connection, claims.id)
        principal = Principal(claims.name, claims.role, claims.id)
        if issued is None or (issued.name, issued.role) != (claims.name, claims.role):
            raise RefusedToken("the token is not among those that this API has issued", principal)
        if issued.revoked_at is not None:
            raise RefusedToken("the token was revoked", principal)
        if is_use_due(issued, now):
            later(lambda: self._note_use(issued, now))
        return principal

    def find_session(self, cookie: str) -> Session | None:
        """Return the session behind a cookie; None when there is none any more."""
        with self._database.read() as connection:
            return find_session(connection, cookie, self._clock())

    def _believed(self, token: str, now: datetime) -> Claims:
        """Verify a token, or remember that it was verified; its age counts every time."""
        digest = sha256(token.encode(errors="surrogateescape")).digest()
        with self._lock:
            claims = self._verified.get(digest)
        if claims is None:
            claims = verify(self.keys, token, now)
            with self._lock:
                self._verified[digest] = claims
                while len(self._verified) > MOST_VERIFIED:
                    self._verified.popitem(last=False)
        check_age(claims, now)
        return claims

    def _note_use(self, token: IssuedToken, now: datetime) -> None:
        try:
            with self._database.write(durable=False) as connection:
                note_use(connection, token.id, now)
        except SQLAlchemyError as error:  # the request went well all the same
            log.warning("use of a token not written down", error=type(error).__name__)
