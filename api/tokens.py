"""What a token says, how it is signed, and when it is believed: one algorithm, every claim."""

from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from api.principal import Role
from api.problems import Unauthorized
from api.signing_key import SigningKeys

ALGORITHM = "HS256"
ISSUER = "trueline"
AUDIENCE = "trueline-api"
LEEWAY_SECONDS = 10  # clocks of several machines
MOST_TOKEN_BYTES = 4096
ADVICE = (
    "send one as `Authorization: Bearer TOKEN` (command and worker take it from TRUELINE_TOKEN); "
    "an admin makes it with `trueline token create NAME --role ROLE`"
)
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])


@dataclass(frozen=True)
class Claims:
    """What a token says of its bearer."""

    id: str
    name: str
    role: Role
    issued_at: datetime
    expires_at: datetime


def sign(keys: SigningKeys, claims: Claims) -> str:
    """Return the token that says this."""
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": claims.id,
        "sub": claims.name,
        "role": claims.role.value,
        "iat": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
    }
    header = {"alg": ALGORITHM, "kid": keys.first.kid}
    return jwt.encode(header, said, keys.first, registry=_REGISTRY)


def verify(keys: SigningKeys, token: str, now: datetime) -> Claims:
    """Return what a token says; raises Unauthorized unless one of the keys has signed it."""
    if len(token) > MOST_TOKEN_BYTES:
        raise Unauthorized("the token is not one of this API", ADVICE)
    try:
        decoded = jwt.decode(token, keys.known, registry=_REGISTRY)
        if "kid" not in decoded.header:  # joserfc would try any key
            raise Unauthorized("the token does not say which key has signed it", ADVICE)
        _claims_registry(now).validate(decoded.claims)
        return Claims(
            id=decoded.claims["jti"],
            name=decoded.claims["sub"],
            role=Role(decoded.claims["role"]),
            issued_at=datetime.fromtimestamp(decoded.claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(decoded.claims["exp"], UTC),
        )
    except ExpiredTokenError as error:
        raise Unauthorized("the token has expired", ADVICE) from error
    except (JoseError, ValueError, TypeError, OverflowError) as error:
        raise Unauthorized("the token is not one of this API", ADVICE) from error


def check_age(claims: Claims, now: datetime) -> None:
    """Raise Unauthorized when a token that was verified before has expired since."""
    if claims.expires_at.timestamp() <= now.timestamp() - LEEWAY_SECONDS:
        raise Unauthorized("the token has expired", ADVICE)


def _claims_registry(now: datetime) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        jti={"essential": True},
        sub={"essential": True},
        role={"essential": True, "values": [role.value for role in Role]},
        iat={"essential": True},
        exp={"essential": True},
    )
