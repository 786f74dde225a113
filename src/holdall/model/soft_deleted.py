"""A mixin for models: removed records stay in their store, and are seen by nobody who does not ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from holdall.errors import DeclarationError
from holdall.model.field import Field
from holdall.model.model import Model
from holdall.model.options import field
from holdall.model.tracking import Record
from holdall.query import Compare, Condition, Op, Or, Query, Value

__all__ = ["SoftDeleted", "deletion_field", "is_soft_deleted", "turns_deletion"]


class SoftDeleted(Model, abstract=True):
    """Records that stay where they are when they are removed, and can be restored.

    ``session.remove(book)`` writes the moment and the user instead of removing the record. From then on no query,
    count, search, reference, selection or action finds it, and HTTP answers as if it were not there.
    ``Book.only_deleted(...)`` and ``Book.with_deleted(...)`` are queries that do, as is any whose condition names the
    field: ``Book.where(Book.deleted_at < moment)``. They show deleted records to those alone who have the right to
    delete them. ``session.restore(book)`` brings one back, ``session.remove(book, final=True)`` removes it for good.

    A deleted record keeps its key and its unique values, so that nothing stands in the way of its return. A reference
    with CASCADE takes records along that are soft deleted as well, and they are restored with it; RESTRICT refuses the
    deletion while a record that is not deleted refers to it; all others stay as they are until it is removed for good.

    A model with names of its own declares the fields itself: ``gone: datetime | None = field(auto_now="delete")``.

    >>> from holdall import Holdall, Model, User, field
    >>> class Note(SoftDeleted):
    ...     id: int = field(pk=True)
    ...     text: str
    >>> async def example() -> None:
    ...     app = Holdall("notes")
    ...     app.add_store("main", "memory:")
    ...     app.add(Note, store="main")
    ...     async with app.session(User("ann", unrestricted=True)) as session:
    ...         session.add(Note(id=1, text="hello"))
    ...         await session.commit()
    ...         session.remove(await session.require(Note, 1))
    ...     async with app.session() as session:
    ...         print(await session.get(Note, 1), await session.count(Note.where()))
    ...         (note,) = await session.query(Note.only_deleted())
    ...         print(note.text, note.deleted_by)
    ...         session.restore(note)
    ...         await session.commit()
    ...         print(await session.count(Note.where()), await session.count(Note.with_deleted()))
    >>> import asyncio
    >>> asyncio.run(example())
    None 0
    hello ann
    1 1
    """

    deleted_at: datetime | None = field(auto_now="delete", index=True)
    deleted_by: str | None = field(auto_user="delete")

    @classmethod
    def with_deleted(cls, *conditions: Condition | bool) -> Query[Self]:
        """Return the query for records that meet these conditions, deleted or not. Example: :class:`SoftDeleted`."""
        path = (_demanded(cls).name,)
        return cls.where(Or((Compare(path, Op.IS_NULL, True), Compare(path, Op.IS_NULL, False))), *conditions)

    @classmethod
    def only_deleted(cls, *conditions: Condition | bool) -> Query[Self]:
        """Return the query for the deleted records that meet these conditions. Example: :class:`SoftDeleted`."""
        return cls.where(Compare((_demanded(cls).name,), Op.IS_NULL, False), *conditions)


def deletion_field(model: type[Model]) -> Field | None:
    """The field with the moment at which a record was deleted; None for models whose records are removed at once.

    Example: :class:`SoftDeleted`.
    """
    found: Field | None = model.__holdall__.deletion
    return found


def is_soft_deleted(record: Record) -> bool:
    """Whether the record is deleted, as it stands in its session. Example: :class:`SoftDeleted`."""
    found = record.__holdall__.deletion
    return found is not None and found.get(record) is not None


def turns_deletion(record: Record, old: Mapping[str, Value]) -> bool:
    """Whether these old values say that a change deletes or restores the record. Example: :class:`SoftDeleted`."""
    found = record.__holdall__.deletion
    return found is not None and found.name in old and (old[found.name] is None) is not (found.get(record) is None)


def _demanded(model: type[Model]) -> Field:
    found = deletion_field(model)
    if found is None:
        raise DeclarationError(f'{model.__name__} has no field with auto_now="delete"')
    return found
