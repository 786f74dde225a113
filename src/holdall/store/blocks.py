"""Blocks of code that act for an object, of which the innermost open one counts; also where one ends in another
context.

A generator's block ends in the context of the code that closes it, a FastAPI dependency's in that of another thread.
There a context variable cannot be reset, and where the block began it still has its value: so a block says by itself
that it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from itertools import count
from typing import Any, Generic, TypeVar

__all__ = ["Blocks", "reset_here"]

T = TypeVar("T")


_orders = count()  # of all blocks, so that those of several kinds can be compared


class _Block(Generic[T]):
    """An open block; ``item`` is None when it is over."""

    __slots__ = ("item", "order", "outer")

    def __init__(self, item: T, outer: _Block[T] | None) -> None:
        self.item: T | None = item
        self.outer = outer
        self.order = next(_orders)


class Blocks(Generic[T]):
    """The open blocks of each context. Connections keep the context they were opened in, so give weak references.

    >>> blocks: Blocks[str] = Blocks("example")
    >>> with blocks.entered("outer"), blocks.entered("inner"):
    ...     print(blocks.current)
    inner
    >>> blocks.current
    """

    def __init__(self, name: str) -> None:
        self._innermost: ContextVar[_Block[T] | None] = ContextVar(name, default=None)

    @contextmanager
    def entered(self, item: T) -> Iterator[None]:
        """Within the block, what is called acts for this."""
        leave = self.enter(item)
        try:
            yield
        finally:
            leave()

    def enter(self, item: T) -> Callable[[], None]:
        """Begin a block that acts for this; return the function that ends it.

        >>> blocks: Blocks[str] = Blocks("example")
        >>> leave = blocks.enter("outer")
        >>> leave()
        >>> blocks.current
        """
        block = _Block(item, self._open_block())
        token = self._innermost.set(block)

        def leave() -> None:
            block.item = None
            reset_here(self._innermost, token)

        return leave

    @property
    def current(self) -> T | None:
        """Return the object that the innermost open block acts for, or None."""
        block = self._open_block()
        return None if block is None else block.item

    def find(self, is_meant: Callable[[T], bool]) -> tuple[int, T] | None:
        """Return the object of the innermost open block for which this is true, after its order among all blocks.

        >>> blocks: Blocks[str] = Blocks("example")
        >>> with blocks.entered("outer"), blocks.entered("inner"):
        ...     print(blocks.find(lambda item: item != "inner")[1])
        outer
        """
        block = self._innermost.get()
        while block is not None:
            if block.item is not None and is_meant(block.item):
                return block.order, block.item
            block = block.outer
        return None

    def _open_block(self) -> _Block[T] | None:
        block = self._innermost.get()
        while block is not None and block.item is None:
            block = block.outer
        return block


def reset_here(variable: ContextVar[Any], token: Token[Any]) -> None:
    """Give a variable the value it had before, unless the block that set it ends in another context.

    Example: :class:`Blocks`.
    """
    try:  # noqa: SIM105 - suppress() takes longer than all the rest
        variable.reset(token)
    except ValueError:
        pass
