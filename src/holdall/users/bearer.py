"""Bearer tokens that are JWTs (RFC 7519), read by joserfc: each key has one algorithm, and every claim is demanded."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError

from holdall.errors import DeclarationError
from holdall.policy import User
from holdall.query import Value
from holdall.users.jose_header import KINDS, header_of, import_key

__all__ = ["JwtBearer", "JwtKey"]

_REGISTERED = ("iss", "aud", "exp", "nbf", "iat", "sub", "jti")


class JwtKey(msgspec.Struct, frozen=True):
    """A key and the one algorithm that it is for. ``key`` is a JWK as a dictionary, PEM text, or a secret's bytes.

    Raises DeclarationError for an algorithm that is none, or that is not for such a key.

    >>> JwtKey("HS256", b"0" * 32).id
    """

    algorithm: str
    key: Value
    id: str | None = None

    def __post_init__(self) -> None:
        kind = KINDS.get(self.algorithm)
        if kind is None:
            raise DeclarationError(f"there is no algorithm {self.algorithm!r} for keys; there are {', '.join(KINDS)}")
        if kind == "oct" and isinstance(self.key, bytes) and len(self.key) < 32:
            raise DeclarationError("a secret for JWTs has at least 32 bytes")
        self.imported()

    def imported(self) -> Value:
        """Return the key as joserfc has it. Raises DeclarationError for another kind. Example: :class:`JwtKey`."""
        kind = KINDS[self.algorithm]
        try:
            return import_key(self.key, kind)
        except Exception as error:
            raise DeclarationError(f"this is no key for {self.algorithm}") from error


class JwtBearer:
    """Finds the user of a JWT. Nothing is believed that the token says of its own checking.

    ``iss``, ``aud``, ``exp``, ``iat``, ``sub`` and the header's ``typ`` are demanded. ``keys`` are pinned; ``jwks`` is
    an async function that gives the keys of an issuer as RFC 7517 has them: asked again for a key that is not known, at
    most every ``refresh`` seconds, and only keys for ``algorithms`` are taken. ``epoch`` gives for a ``sub`` since when
    its tokens hold, None for nobody: ``users.epoch_of``. ``roles`` names the claim of roles.

    >>> import asyncio
    >>> bearer = JwtBearer(issuer="https://id.example", audience="api", keys=[JwtKey("HS256", b"0" * 32)])
    >>> print(asyncio.run(bearer.user_of("no token")))
    None
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: Collection[JwtKey] = (),
        jwks: Callable[[], Awaitable[Mapping[str, Value]]] | None = None,
        algorithms: Collection[str] = ("RS256", "ES256", "EdDSA"),
        typ: Collection[str] = ("at+jwt", "JWT"),
        roles: str = "roles",
        epoch: Callable[[str], Awaitable[int | None]] | None = None,
        leeway: int = 30,
        refresh: float = 60.0,
        longest: int = 8_192,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not keys and jwks is None:
            raise DeclarationError("JwtBearer needs keys=[JwtKey(...)], or jwks=")
        if len(keys) > 1 and any(key.id is None for key in keys):
            raise DeclarationError("each of several keys has an id, which tokens name as their kid")
        self._keys = {key.id: (key.algorithm, key.imported()) for key in keys}
        self._jwks = jwks
        self._fetched: dict[str | None, tuple[str, Value]] = {}
        self._fetched_at: float | None = None
        self._algorithms = frozenset(algorithms) - {"HS256", "HS384", "HS512"}  # what is published is no secret
        self._typ = frozenset(typ)
        self._roles = roles
        self._epoch = epoch
        self._refresh = refresh
        self._longest = longest
        self._clock = clock
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=leeway,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )

    async def user_of(self, token: str) -> User | None:
        """Return the user whom a token names; None for one that does not hold. Example: :class:`JwtBearer`."""
        if len(token) > self._longest or token.count(".") != 2:
            return None
        header = header_of(token)
        if header is None or header.get("typ") not in self._typ:
            return None
        kid = header.get("kid")
        known = await self._key(kid if isinstance(kid, str) else None)
        if known is None or header.get("alg") != known[0]:
            return None
        try:
            claims = jwt.decode(token, known[1], algorithms=[known[0]]).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        return await self._user(claims)

    async def _user(self, claims: Mapping[str, Value]) -> User | None:
        subject, issued, expires = claims["sub"], claims["iat"], claims["exp"]
        if not isinstance(subject, str) or not subject or not all(_is_number(each) for each in (issued, expires)):
            return None
        if self._epoch is not None:
            since = await self._epoch(subject)
            if since is None or issued < since:
                return None
        roles = claims.get(self._roles, [])
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            return None
        rest = {name: value for name, value in claims.items() if name not in _REGISTERED}
        return User(subject, frozenset(roles), attributes=rest)

    async def _key(self, kid: str | None) -> tuple[str, Value] | None:
        """The algorithm and the key of a token, the only one where it names none and there is one."""
        if kid is None and len(self._keys) == 1 and self._jwks is None:
            return next(iter(self._keys.values()))
        found = self._keys.get(kid) or self._fetched.get(kid)
        if found is None and self._jwks is not None and kid is not None:
            now = self._clock()
            if self._fetched_at is None or now - self._fetched_at >= self._refresh:
                self._fetched_at = now
                self._fetched = self._taken(await self._jwks())
            found = self._fetched.get(kid)
        return found

    def _taken(self, document: Mapping[str, Value]) -> dict[str | None, tuple[str, Value]]:
        """The keys of an issuer that are for signatures by the algorithms that are allowed."""
        found: dict[str | None, tuple[str, Value]] = {}
        for each in document.get("keys", []):
            algorithm, kid = each.get("alg"), each.get("kid")
            if algorithm not in self._algorithms or not isinstance(kid, str) or each.get("use", "sig") != "sig":
                continue
            try:
                found[kid] = algorithm, import_key(each, KINDS[algorithm])
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
