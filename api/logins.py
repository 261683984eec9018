"""A log-in under way: what its browser brings back, signed, so that nobody else can end it."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from api.problems import BadRequest
from api.signing_key import SigningKeys
from api.tokens import ALGORITHM, ISSUER

AUDIENCE = "trueline-login"  # so it is no token, and no token is it
LASTS = timedelta(minutes=10)
HOME = "/"
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])


@dataclass(frozen=True)
class Login:
    """What the answer of the provider must fit to, and where the person wanted to go."""

    state: str
    nonce: str
    verifier: str
    next: str


def new_login(wanted: str) -> Login:
    """Begin a log-in."""
    return Login(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48), own_address(wanted))


def own_address(wanted: str) -> str:
    """Return the address on this site that was wanted, or the first page: never another site."""
    is_path = wanted.startswith("/") and wanted[1:2] not in {"/", "\\"} and wanted.isprintable()
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    return HOME if not is_path or parts.scheme or parts.netloc or "\\" in wanted else wanted


def seal_login(keys: SigningKeys, login: Login, now: datetime) -> str:
    """Return what the browser keeps meanwhile."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int((now + LASTS).timestamp())}
    header = {"alg": ALGORITHM, "kid": keys.first.kid}
    return jwt.encode(header, claims | asdict(login), keys.first, registry=_REGISTRY)


def open_login(keys: SigningKeys, sealed: str, now: datetime) -> Login:
    """Return what the browser has kept; raises BadRequest when it is not ours or too old."""
    try:
        claims = jwt.decode(sealed, keys.known, registry=_REGISTRY).claims
        JWTClaimsRegistry(
            now=int(now.timestamp()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
        ).validate(claims)
        return Login(*(str(claims[name]) for name in ("state", "nonce", "verifier", "next")))
    except (JoseError, ValueError, KeyError) as error:
        raise BadRequest(
            "this log-in was not begun in this browser, or too long ago",
            "log in again from the page, with cookies allowed",
        ) from error
