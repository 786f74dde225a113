"""The identity of a Redis store: one key beside those of its collections, which goes where its data goes."""

from __future__ import annotations

from holdall.store import decode_identity, encode_identity, new_identity
from holdall.stores.redis.server import Server

__all__ = ["IdentifiedRedisStore"]


class IdentifiedRedisStore:
    """The part of a Redis store that tells it from others by what lies under its prefix."""

    name: str
    _server: Server
    _prefix: str

    async def identity(self, *, makes: bool) -> str:
        """The identity of what lies under the prefix, of several who make one that of the first.

        Raises UnknownFormat for what another version of Holdall wrote, CorruptRecord for anything else.
        """
        key = self._identity_key
        raw = await self._server.command(key, "GET", key)
        if raw is None and makes:
            await self._server.command(key, "SET", key, encode_identity(new_identity()), "NX", is_change=True)
            raw = await self._server.command(key, "GET", key)
        return "" if raw is None else decode_identity(self.name, key, raw)

    async def _drop_identity(self) -> None:
        await self._server.command(self._identity_key, "UNLINK", self._identity_key, is_change=True)

    @property
    def _identity_key(self) -> str:
        return f"{self._prefix}:#identity" if self._prefix else "#identity"
