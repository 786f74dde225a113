"""An entry of the audit trail, as readers have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from holdall.model import JSON, Model, field

__all__ = ["AuditEntry"]


class AuditEntry(Model, abstract=True):
    """One change of one record, as the audit trail keeps it; ``app.add_audit`` makes the model of an application.

    A record whose key is a whole number is named by ``number``, any other one by ``key``. ``before`` and ``after`` are
    values as JSON shows them: of a change those of ``names``, which it gave other values; without those of secrets.
    A reference to a record of the same commit, whose key its store made, stands as ``{"made": "made_1"}``: that field
    has the key. ``audited`` are the models whose changes it keeps. Where one of them belongs to tenants, entries have a
    ``tenant``, that of the record as text, and users see those of their own alone; a change of the tenant itself has
    none, and is the program's to read.

    >>> from holdall import Holdall, Role
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "draft"
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> Entry = app.add_audit(Book, store="main", read=Role("auditor"))
    >>> async def example() -> None:
    ...     async with app.session() as session:
    ...         book = session.add(Book(id=7))
    ...         await session.commit()
    ...         book.status = "out"
    ...     async with app.session() as session:
    ...         for entry in await session.query(Entry.where(Entry.number == 7).sort(Entry.id)):
    ...             print(entry.kind, entry.by, entry.before, entry.after)
    >>> import asyncio
    >>> asyncio.run(example())
    created system None {'id': 7, 'status': 'draft'}
    changed system {'status': 'draft'} {'status': 'out'}
    """

    audited: ClassVar[Collection[type[Model]]] = ()

    id: UUID = field(pk=True, generated=True)
    at: dt.datetime = field()
    kind: str = field(length=(1, 16))
    collection: str = field(length=(1, 200), index=True)
    number: int | None = field(default=None, index=True)
    key: str | None = field(default=None, length=(0, 500), index=True)
    by: str | None = field(default=None, length=(0, 200))
    request_id: str | None = field(default=None, length=(0, 200))
    commit: str = field(length=(1, 64))
    names: JSON = field(default_factory=list)
    before: JSON | None = None
    after: JSON | None = None
    made_1: int | None = None
    made_2: int | None = None
    made_3: int | None = None
