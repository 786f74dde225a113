"""Blocks of contexts that give their services: ``async with app.dal() as dal``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Generic, NoReturn, TypeVar

from holdall.errors import StateError
from holdall.service.context import Context
from holdall.service.sync_context import SyncContext

__all__ = ["DalBlock", "SyncDalBlock"]

L = TypeVar("L")


class DalBlock(AbstractAsyncContextManager[L], Generic[L]):
    """A context that gives its services, as a class declares them. Example: :class:`holdall.Service`."""

    __slots__ = ("_context", "_services")

    def __init__(self, context: Context, services: L) -> None:
        self._context = context
        self._services = services

    async def __aenter__(self) -> L:
        await self._context.__aenter__()
        return self._services

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._context.__aexit__(kind, error, trace)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise StateError(f"the services are there once the context is entered: async with app.dal() as dal: dal.{name}")

    def __enter__(self) -> NoReturn:
        raise StateError("write async with app.dal(), or with app.sync.dal() in code that is not async")

    def __exit__(self, *_: object) -> None:
        """Never reached."""


class SyncDalBlock(AbstractContextManager[L], Generic[L]):
    """The same for code that is not async. Example: :class:`SyncService`."""

    __slots__ = ("_context", "_services")

    def __init__(self, context: SyncContext, services: L) -> None:
        self._context = context
        self._services = services

    def __enter__(self) -> L:
        self._context.__enter__()
        return self._services

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._context.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise StateError(f"the services are there once the context is entered: with app.sync.dal() as dal: dal.{name}")
