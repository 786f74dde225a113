"""The context for which code acts: that of the innermost call or block it is in, of whichever application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from weakref import ref

from holdall.query import Value
from holdall.session import Wait
from holdall.store import Blocks

__all__ = ["Facets", "act_for", "act_in_thread", "act_on_loop", "acting_in", "acting_order"]

R = TypeVar("R")

_acting: Blocks[ref[Value]] = Blocks("holdall_contexts")


class Facets(Protocol):
    """A context as code on the loop sees it, and as code in threads does."""

    @property
    def on_loop(self) -> Value: ...
    @property
    def in_thread(self) -> Value: ...
    @property
    def wait(self) -> Wait: ...


def act_for(facet: Value) -> Callable[[], None]:
    """Begin to act for a context, which is not held; return the function that ends that."""
    return _acting.enter(ref(facet))


def acting_in(is_meant: Callable[[Value], bool]) -> Value:
    """The facet of the innermost context that is meant, as the code that is in it sees it; None where there is none."""

    def is_it(each: ref[Value]) -> bool:
        facet = each()
        return facet is not None and is_meant(facet)

    found = _acting.find(is_it)
    return None if found is None else found[1]()


def acting_order(is_meant: Callable[[Value], bool]) -> int:
    """The order of that context among all blocks; below that of any block where there is none."""
    found = _acting.find(lambda each: (facet := each()) is not None and is_meant(facet))
    return -1 if found is None else found[0]


async def act_on_loop(facet: Value, function: Callable[[], Awaitable[R]]) -> R:
    """Call what acts for a context."""
    leave = act_for(facet)
    try:
        return await function()
    finally:
        leave()


def act_in_thread(facet: Value, function: Callable[[], R]) -> R:
    """Call what acts for a context and is not async."""
    leave = act_for(facet)
    try:
        return function()
    finally:
        leave()
