"""Stores whose tables change with the models, by revisions: reviewed files, each after another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import msgspec

from holdall.query import Value

__all__ = ["Revisable", "Revision", "Revisions", "Wishes"]


class Revision(msgspec.Struct, frozen=True):
    """One step of a store's tables: the file that carries it out, and whether it is carried out.

    ``after`` are the revisions that it follows, none for the first.

    >>> Revision("1f3a", "add pages", ("0c2d",), Path("revisions/main/1f3a_add_pages.py"), True).after
    ('0c2d',)
    """

    name: str
    message: str
    after: tuple[str, ...]
    file: Path
    is_applied: bool


class Wishes(msgspec.Struct, frozen=True):
    """How a revision is to be made, where that cannot be seen from the tables.

    ``renames`` gives the new name by the old one: ``{"book.titel": "title"}`` for a column, ``{"book": "volume"}`` for
    a table. ``fills`` gives the value, as it crosses borders, of records that have none yet, by collection and field:
    ``{("book", "pages"): 0}``. ``is_empty`` is for steps that are written by hand, ``is_baseline`` for the first
    revision of tables that ``create`` made: what makes them in an empty database.

    >>> Wishes(renames={"book.titel": "title"}).is_empty
    False
    """

    renames: Mapping[str, str] = MappingProxyType({})
    fills: Mapping[tuple[str, str], Value] = MappingProxyType({})
    is_empty: bool = False
    is_baseline: bool = False


class Revisions(Protocol):
    """The revisions of one store, in a folder. Every method raises RevisionError with what to do about it.

    Example: ``docs/revisions.md``.
    """

    async def make(self, message: str, wishes: Wishes) -> Revision | None:
        """Write the file that makes of the tables what the models say; None where nothing is to be done."""
        ...

    def names(self) -> list[str]:
        """Return the names of the revisions in the folder, the first one first."""
        ...

    async def table_names(self) -> set[str]:
        """Return the tables of the models, and those that a revision made."""
        ...

    async def upgrade(self, target: str = "head") -> list[Revision]:
        """Carry out what is missing up to a revision, and return it."""
        ...

    async def downgrade(self, target: str) -> list[Revision]:
        """Take back what came after a revision, ``base`` for all of it, and return it."""
        ...

    async def stamp(self, target: str = "head") -> None:
        """Note that the tables are as a revision leaves them, and change nothing else."""
        ...

    async def drift(self) -> list[str]:
        """Return what a new revision would change, a sentence each."""
        ...

    async def history(self) -> list[Revision]:
        """Return all revisions, the first one first."""
        ...

    def script(self, start: str, target: str) -> str:
        """Return the SQL that leads from one revision to another, for somebody else to run."""
        ...


@runtime_checkable
class Revisable(Protocol):
    """A store whose tables can be revised. In its absence ``create`` makes what is missing, and that is all.

    Example: ``docs/revisions.md``.
    """

    def revisions(self, folder: Path) -> Revisions:
        """The revisions in this folder, which is made with the first of them."""
        ...
