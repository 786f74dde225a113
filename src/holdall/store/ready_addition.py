"""Additions that a store gets ready once, to be made again and again with other values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, runtime_checkable

from holdall.query import Value
from holdall.store.change import Outcome
from holdall.store.contract import Row
from holdall.store.ready import stands_beside

__all__ = ["AddingReady", "ReadyAddition", "adding_part"]

ReadyAddition: TypeAlias = Callable[[Row], Awaitable[Outcome | None]]
"""Adds a record with these values, and gives its outcome. None where nothing was written, and ``apply`` is to be given
the change: because that takes more, or to find out what is wrong. Raises what ``apply`` raises.

Example: :class:`AddingReady`.
"""


@runtime_checkable
class AddingReady(Protocol):
    """A store that gets additions ready. In its absence each is a change as any other.

    >>> async def example(store, name):
    ...     add = adding_part(store).ready_addition("book", ("title",), is_key_made=True)
    ...     outcome = None if add is None else await add((name,))
    ...     return outcome or await store.apply([Change(Verb.ADD, "book", None, ("title",), (name,))])
    """

    def ready_addition(self, collection: str, fields: tuple[str, ...], *, is_key_made: bool) -> ReadyAddition | None:
        """Additions to a collection with these fields made ready, their key made by the store or among them; None as
        long as that cannot be.
        """
        ...


def adding_part(store: Value) -> AddingReady | None:
    """The store as one that gets additions ready; None for others, for what hands on the parts of another store, and
    for a class with another ``apply`` than that which stands beside its ``ready_addition``.

    Example: :class:`AddingReady`.
    """
    return store if stands_beside(store, "ready_addition", "apply") else None
