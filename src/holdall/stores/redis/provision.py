"""Looking after what lies beside the records: building what is missing, telling what differs, dropping all of it."""

from __future__ import annotations

from collections.abc import Mapping

from holdall.stores.redis.layout import Layout
from holdall.stores.redis.server import Server

__all__ = ["drop", "problems"]


async def drop(server: Server, layouts: Mapping[str, Layout]) -> None:
    """Remove the records of these collections and what lies beside them, and nothing else."""
    for layout in layouts.values():
        for pattern in (f"{_literal(layout.base)}:*", f"{_literal(layout.base)}#*"):
            async for names in server.scan(layout.keys, pattern):
                await server.command(layout.keys, "UNLINK", *names, is_change=True)


async def problems(server: Server, layouts: Mapping[str, Layout]) -> list[str]:
    """A sentence for each key that is not what it should be."""
    found: list[str] = []
    for layout in layouts.values():
        for key, wanted in beside(layout).items():
            kind = (await server.command(key, "TYPE", key)).decode()
            if kind not in (wanted, "none"):
                found.append(f"{key} holds a {kind}, not a {wanted}")
    return found


def beside(layout: Layout) -> dict[str, str]:
    """Every key that lies beside the records, with its type."""
    keys = {layout.keys: "zset"}
    keys.update({layout.index(name): "zset" for name in layout.indexed})
    keys.update({layout.unique_values(fields): "hash" for fields in layout.unique})
    if layout.slots:
        keys[layout.entries] = "hash"
    if layout.ttl is not None:
        keys[layout.expiry] = "zset"
    if layout.counts:
        keys[layout.counter] = "string"
    return keys


def _literal(text: str) -> str:
    """The text as a pattern that matches nothing else."""
    return "".join(f"\\{character}" if character in "*?[]^-\\" else character for character in text)
