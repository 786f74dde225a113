"""Connections to the primary that sentinels name, wherever it is when a connection is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.exceptions import ConnectionError as Lost
from redis.exceptions import ReadOnlyError, RedisError

from holdall.query import Value

__all__ = ["Sentinels", "primary_connector"]

Options: TypeAlias = Mapping[str, Value]
"""What the driver is told when it makes a connection."""


class Sentinels:
    """The sentinels of one service. The one that knew last is asked first."""

    def __init__(self, addresses: Sequence[tuple[str, int]], service: str, options: Options, seconds: float):
        self._addresses = list(addresses)
        self._service = service
        self._options = options
        self._seconds = seconds

    async def primary(self) -> tuple[str, int]:
        """The address of the primary. Raises the driver's error where no sentinel knows one."""
        failure: Exception | None = None
        for address in list(self._addresses):
            try:
                told = await self._asked(*address)
            except (RedisError, OSError) as error:
                failure = error
                continue
            if told:
                self._addresses.remove(address)
                self._addresses.insert(0, address)
                return _text(told[0]), int(_text(told[1]))
        raise Lost(f"no sentinel knows the primary of {self._service}") from failure

    async def _asked(self, host: str, port: int) -> list[object] | None:
        connection = Connection(host=host, port=port, **self._options)
        try:
            async with asyncio.timeout(self._seconds):
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
                told: list[object] | None = await connection.read_response()
                return told
        finally:
            await connection.disconnect(nowait=True)


def primary_connector(sentinels: Sentinels, options: Options, *, is_safe: bool) -> Callable[[], AbstractConnection]:
    """A maker of connections, each to the server that is the primary then."""
    kind = _SafePrimaryConnection if is_safe else _PrimaryConnection
    return lambda: kind(sentinels, **options)


class _PrimaryConnection(Connection):
    def __init__(self, sentinels: Sentinels, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.sentinels = sentinels

    async def connect(self) -> None:
        self.host, self.port = await self.sentinels.primary()
        await super().connect()  # type: ignore[no-untyped-call]
        await _demand_primary(self)


class _SafePrimaryConnection(SSLConnection):
    def __init__(self, sentinels: Sentinels, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.sentinels = sentinels

    async def connect(self) -> None:
        self.host, self.port = await self.sentinels.primary()
        await super().connect()  # type: ignore[no-untyped-call]
        await _demand_primary(self)


async def _demand_primary(connection: AbstractConnection) -> None:
    """Raise the driver's error for a server that does not take itself for a primary, and let go of it."""
    await connection.send_command("ROLE")
    role: list[object] = await connection.read_response()
    if _text(role[0]) != "master":
        await connection.disconnect(nowait=True)
        raise ReadOnlyError("the server that the sentinels name is no primary")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
