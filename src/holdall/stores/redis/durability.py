"""Gaps in the durability that the server's settings give to an acknowledged write.

See "Redis persistence" (redis.io/docs/latest/operate/oss_and_stack/management/persistence) and ``maxmemory-policy``.
"""

from __future__ import annotations

from collections.abc import Mapping

from holdall.errors import StoreError, StoreUnavailable
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.server import Server

__all__ = ["Durability", "shortfall"]

_SETTINGS = ("appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy")


class Durability:
    """The persistence settings of the servers that keep these slots, read once."""

    def __init__(self, server: Server, slots: list[list[Layout]]) -> None:
        self._server = server
        self._slots = slots
        self._told: list[str] | None = None

    async def told(self) -> str | None:
        """A sentence of what is not promised, or None."""
        if self._told is None:
            found = [shortfall(await self._settings(slot[0].keys)) for slot in self._slots]
            self._told = list(dict.fromkeys([sentence for sentence in found if sentence is not None]))
        return self.known

    @property
    def known(self) -> str | None:
        """The same, as far as it was read."""
        return "; ".join(self._told or []) or None

    async def _settings(self, key: str) -> dict[str, str]:
        """By name, what can be read; CONFIG is forbidden on many hosted servers, and then INFO tells a part."""
        try:
            told = await self._server.command(key, "CONFIG", "GET", *_SETTINGS)
            return _texts(dict(zip(told[::2], told[1::2], strict=True)))
        except StoreUnavailable:
            raise
        except StoreError:
            pass
        try:
            told = (await self._server.command(key, "INFO", "persistence")).decode()
        except StoreUnavailable:
            raise
        except StoreError:
            return {}
        return {"appendonly": "yes" if "aof_enabled:1" in told.split() else "no"}


def shortfall(settings: Mapping[str, str]) -> str | None:
    """Return the gap in durability that these settings leave, or None; settings that cannot be read are missing.

    >>> shortfall({"appendonly": "no", "save": ""})
    'Redis keeps nothing on disk: appendonly is no and save is empty'
    """
    found = [sentence for sentence in (_disk(settings), _eviction(settings)) if sentence is not None]
    return "; ".join(found) or None


def _disk(settings: Mapping[str, str]) -> str | None:
    appending, save, sync = settings.get("appendonly"), settings.get("save"), settings.get("appendfsync")
    if appending is None:
        return "Redis does not tell whether it keeps anything on disk: CONFIG and INFO are forbidden"
    if appending == "yes":
        if sync in (None, "always"):
            return None
        lost = "the writes of about a second" if sync == "everysec" else "what was not yet written to disk"
        return f"Redis may lose {lost} when its machine fails: appendfsync is {sync}"
    if save == "":
        return "Redis keeps nothing on disk: appendonly is no and save is empty"
    how = "save cannot be read" if save is None else f"save is {save}"
    return f"Redis loses what was written after its last snapshot when it fails: appendonly is no and {how}"


def _eviction(settings: Mapping[str, str]) -> str | None:
    policy = settings.get("maxmemory-policy", "")
    if not policy.startswith("allkeys-") or settings.get("maxmemory", "0") == "0":
        return None
    return f"Redis throws out any record when memory is short: maxmemory-policy is {policy}"


def _texts(told: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in told.items()}
