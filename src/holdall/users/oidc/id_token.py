"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): each claim that a login rests on is demanded and looked at."""

from __future__ import annotations

from authlib.oidc.core.claims import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError

from holdall.query import Value
from holdall.users.jose_header import header_of
from holdall.users.oidc.failed import OidcFailed
from holdall.users.oidc.key_set import KeySet

__all__ = ["IdTokens"]

_LONGEST = 16_384  # characters
_OLDEST = 600  # seconds since it was made, as it is made for this very login


class IdTokens:
    """Reads the ID tokens that one issuer makes for one client, signed by one of these algorithms."""

    def __init__(self, issuer: str, client_id: str, algorithms: frozenset[str], leeway: int) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._algorithms = algorithms
        self._leeway = leeway

    async def claims(self, token: object, *, keys: KeySet, nonce: str, access_token: str, now: int) -> dict[str, Value]:
        """The claims of a token that holds. Raises OidcFailed for any other."""
        if not isinstance(token, str) or len(token) > _LONGEST or token.count(".") != 2:
            raise OidcFailed("there is no signed ID token")
        header = header_of(token)
        if header is None or str(header.get("typ", "JWT")).upper() != "JWT":
            raise OidcFailed("the ID token's header is none for an ID token")
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._algorithms:
            raise OidcFailed("the ID token is not signed by an algorithm of this provider")
        if not isinstance(kid, str):
            raise OidcFailed("the ID token names no key")
        key = await keys.key(kid, algorithm)
        if key is None:
            raise OidcFailed("the ID token names a key that the provider does not have")
        try:
            claims = jwt.decode(token, key, algorithms=[algorithm]).claims
            self._demand_types(claims)
            self._validated(claims, header, nonce, access_token, now)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise OidcFailed(f"the ID token does not hold: {_told(error)}") from None
        if now - claims["iat"] > _OLDEST + self._leeway:
            raise OidcFailed("the ID token is not of this login: iat")
        return dict(claims)

    def _validated(
        self, claims: dict[str, Value], header: dict[str, Value], nonce: str, access_token: str, now: int
    ) -> None:
        demanded: Value = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        given = {"nonce": nonce, "client_id": self._client_id, "access_token": access_token}
        CodeIDToken(claims, header, options=demanded, params=given).validate(now=now, leeway=self._leeway)

    def _demand_types(self, claims: dict[str, Value]) -> None:
        """Refuse values that a comparison could be misled by."""
        subject, audience = claims["sub"], claims["aud"]
        audiences = audience if isinstance(audience, list) else [audience]
        is_right = (
            isinstance(subject, str)
            and 0 < len(subject) <= 255
            and all(isinstance(each, str) for each in audiences)
            and all(type(claims[name]) in (int, float) for name in ("exp", "iat"))
        )
        if not is_right:
            raise ValueError


def _told(error: Exception) -> str:
    """The kind of failure, with the claim's name where it is one that we look at."""
    claim = getattr(error, "claim", None)
    known = ("iss", "aud", "azp", "exp", "iat", "nbf", "sub", "nonce", "at_hash")
    return f"{type(error).__name__} {claim}" if claim in known else type(error).__name__
