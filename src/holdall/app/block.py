"""The block in which a session works: ``async with app.session() as session``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import NoReturn

from holdall.errors import StateError
from holdall.query import did_you_mean
from holdall.session import Session

__all__ = ["SessionBlock"]


class SessionBlock(AbstractAsyncContextManager[Session]):
    """Gives the session, and commits or rolls back when it is left."""

    __slots__ = ("_block",)

    def __init__(self, block: AbstractAsyncContextManager[Session]) -> None:
        self._block = block

    async def __aenter__(self) -> Session:
        return await self._block.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._block.__aexit__(kind, error, trace)

    def __getattr__(self, name: str) -> NoReturn:
        names = [known for known in dir(Session) if not known.startswith("_")]
        if name in names:
            raise StateError(f"the session of {name} is not entered: write async with app.session() as session")
        raise AttributeError(f"this block has no attribute {name!r}{did_you_mean(name, names)}")

    def __enter__(self) -> NoReturn:
        raise StateError("write async with app.session(), or with app.sync.session() in code that is not async")

    def __exit__(self, *_: object) -> None:
        """Never reached."""
