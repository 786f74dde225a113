"""A mixin for models: who made a record and who wrote it last, and when."""

from __future__ import annotations

from datetime import datetime

from holdall.model.model import Model
from holdall.model.options import field

__all__ = ["Stamped"]


class Stamped(Model):
    """Records that know when and by whom they were made, and when and by whom they were last written.

    Commits fill the fields; clients of the API cannot. The user is the one of the session, by the id; where nobody is
    logged in there is none.

    >>> from holdall import Holdall, Model, User, field
    >>> class Note(Stamped):
    ...     id: int = field(pk=True)
    ...     text: str
    >>> async def example() -> None:
    ...     app = Holdall("notes")
    ...     app.add_store("main", "memory:")
    ...     app.add(Note, store="main")
    ...     async with app.session(User("ann", unrestricted=True)) as session:
    ...         session.add(Note(id=1, text="hello"))
    ...     async with app.session(User("eve", unrestricted=True)) as session:
    ...         note = await session.require(Note, 1)
    ...         note.text = "good day"
    ...     print(note.created_by, note.modified_by, note.created_at <= note.modified_at)
    >>> import asyncio
    >>> asyncio.run(example())
    ann eve True
    """

    created_at: datetime = field(auto_now="create")
    created_by: str | None = field(auto_user="create")
    modified_at: datetime = field(auto_now="write")
    modified_by: str | None = field(auto_user="write")
