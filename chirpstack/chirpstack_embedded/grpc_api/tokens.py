"""JSON Web Tokens of users and API keys (contract §5.2)."""

from dataclasses import dataclass
from typing import Any, Literal

import jwt

from chirpstack_embedded.grpc_api.refusal import unauthenticated

ALGORITHM = "HS256"
AUDIENCE = ISSUER = "chirpstack"
USER_TOKEN_LIFETIME_S = 24 * 3600
_PARTS = 3

# PyJWT's exceptions in the words of the library ChirpStack uses.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "ExpiredSignature"),
    (jwt.InvalidSignatureError, "InvalidSignature"),
    (jwt.InvalidAudienceError, "InvalidAudience"),
    (jwt.InvalidAlgorithmError, "InvalidAlgorithm"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who a token speaks for."""

    kind: Literal["user", "key"]
    id: str


def key_token(key_id: str, secret: str) -> str:
    """Return the token of an API key; it lasts as long as the key's row."""
    return _encode({"sub": key_id, "typ": "key"}, secret)


def user_token(user_id: str, secret: str, now: float) -> str:
    """Return the token of a user, valid for a day."""
    expires = int(now) + USER_TOKEN_LIFETIME_S
    return _encode({"sub": user_id, "typ": "user", "exp": expires}, secret)


def read_token(token: str, secret: str) -> Claim:
    """Return the claim of a valid token, else refuse with the reason."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"verify_iss": False, "enforce_minimum_key_length": False},
        )
    except jwt.PyJWTError as error:
        raise unauthenticated(_say_of(token) or _say(error)) from error
    if claims.get("typ") not in {"user", "key"} or not isinstance(
        claims.get("sub"), str
    ):
        raise unauthenticated("InvalidToken")
    return Claim(kind=claims["typ"], id=claims["sub"])


def _encode(claims: dict[str, Any], secret: str) -> str:
    return jwt.encode(
        {"aud": AUDIENCE, "iss": ISSUER, **claims}, secret, algorithm=ALGORITHM
    )


def _say_of(token: str) -> str:
    """Return what the other library says of three parts that are no base64."""
    parts = token.split(".")
    if len(parts) == _PARTS and len(parts[0]) % 4 == 1:
        return f"Base64 error: Invalid input length: {len(parts[0])}"
    return ""


def _say(error: Exception) -> str:
    for kind, word in _WORDS:
        if isinstance(error, kind):
            return word
    return "InvalidToken"
