"""The keys by which a provider signs: fetched when needed, known for a while, asked for again only so often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from joserfc.errors import JoseError

from holdall.query import Value
from holdall.users.jose_header import KINDS, import_key
from holdall.users.oidc.failed import OidcFailed

__all__ = ["KeySet"]

_LASTING = 3_600.0  # seconds for which keys are believed without another look
_PAUSE = 5.0  # seconds after a failure
_MOST = 100  # keys


class KeySet:
    """Keys of an issuer (RFC 7517) by their id and kind; none is taken that is secret, or not for signatures.

    A key that is not known has them fetched anew, at most every ``refresh`` seconds.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Mapping[str, Value]]],
        algorithms: Collection[str],
        refresh: float,
        clock: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._kinds = frozenset(KINDS[algorithm] for algorithm in algorithms)
        self._refresh = refresh
        self._clock = clock
        self._keys: dict[tuple[str, str], tuple[str | None, Value]] = {}
        self._known_at: float | None = None
        self._next = 0.0
        self._fetching = asyncio.Lock()

    async def key(self, kid: str, algorithm: str) -> Value | None:
        """The key of this id for this algorithm, None where there is none. Raises OidcFailed where none can be had."""
        place = (kid, KINDS[algorithm])
        if place not in self._keys or not self._is_fresh():
            async with self._fetching:
                if (place not in self._keys or not self._is_fresh()) and self._clock() >= self._next:
                    await self._renew()
        if not self._is_fresh():
            raise OidcFailed("the keys cannot be had", is_outage=True)
        made_for, found = self._keys.get(place, (None, None))
        return found if made_for in (None, algorithm) else None

    def _is_fresh(self) -> bool:
        return self._known_at is not None and self._clock() - self._known_at < _LASTING

    async def _renew(self) -> None:
        self._next = self._clock() + min(self._refresh, _PAUSE)
        self._keys = self._taken(await self._fetch())
        self._known_at = self._clock()
        self._next = self._known_at + self._refresh

    def _taken(self, document: Mapping[str, Value]) -> dict[tuple[str, str], tuple[str | None, Value]]:
        found: dict[tuple[str, str], tuple[str | None, Value]] = {}
        keys = document.get("keys")
        for each in keys[:_MOST] if isinstance(keys, list) else []:
            if not isinstance(each, dict) or not isinstance(each.get("kid"), str) or each.get("kty") not in self._kinds:
                continue
            uses = each.get("key_ops", ["verify"])
            if each.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in uses:
                continue
            public = {name: value for name, value in each.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
            try:
                found.setdefault((each["kid"], each["kty"]), (each.get("alg"), import_key(public, each["kty"])))
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        return found
