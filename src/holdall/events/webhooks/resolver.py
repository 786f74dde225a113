"""From names to public addresses, for the client of webhooks."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from holdall.events.webhooks.address import PrivateAddress, is_public

__all__ = ["PublicResolver"]


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only; the connection goes to the very address that was looked at."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of a host. Raises PrivateAddress where any other is among them."""
        found = await self._inner.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise PrivateAddress("the name leads into a private network")
        return found

    async def close(self) -> None:
        """Close what it asks."""
        await self._inner.close()
