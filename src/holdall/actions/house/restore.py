"""Actions of the house on soft deleted records: one brings them back, the other removes them for good."""

from __future__ import annotations

from typing import TypeVar

from holdall.actions.action import Action
from holdall.actions.on import Each
from holdall.model import Model
from holdall.service import Context

__all__ = ["Purge", "Restore"]

M = TypeVar("M", bound=Model)


class Restore(Action[M], on=Each, deleted=True):
    """Bring a deleted record back, with all that went with it.

    ``app.add_action(Restore[Book])``. The right to delete a record is the right to restore it.

    >>> from holdall import SoftDeleted
    >>> from holdall.actions.house import Purge, Restore
    >>> class Book(SoftDeleted):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> app.add_action(Restore[Book])
    >>> app.add_action(Purge[Book])
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add_all([Book(id=1), Book(id=2)])
    ...     async with app.session() as session:
    ...         await session.delete(Book.where())
    ...     async with app.session() as session:
    ...         await session.act(Restore[Book](), Book.only_deleted(Book.id == 1))
    ...         await session.act(Purge[Book](), Book.only_deleted())
    ...         return await session.query(Book.with_deleted())
    >>> import asyncio
    >>> asyncio.run(example())
    [Book(deleted_at=None, deleted_by=None, id=1)]
    """

    async def run(self, context: Context, record: M) -> None:
        """Restore it."""
        context.session.restore(record)


class Purge(Action[M], on=Each, deleted=True):
    """Remove a deleted record for good; it cannot be restored any more.

    ``app.add_action(Purge[Book], policy=ActionPolicy(execute=Role("admin")))``. Example: :class:`Restore`.
    """

    async def run(self, context: Context, record: M) -> None:
        """Remove it."""
        context.session.remove(record, final=True)
