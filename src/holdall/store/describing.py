"""Describing what a store holds already, so that models can be written for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec

from holdall.query import Schema, Value

__all__ = ["Described", "Describing", "Description", "Look", "NamingFields"]


class Look(msgspec.Struct, frozen=True):
    """A look at a store: which part of it, and how close. Example: :class:`Described`.

    ``namespace`` is one schema of a database. ``sample`` is how many records of each collection are read where nothing
    else says what they hold. ``only`` names the collections that are wanted; empty for all.
    """

    namespace: str | None = None
    sample: int = 100
    only: frozenset[str] = frozenset()

    def is_wanted(self, collection: str) -> bool:
        """Whether this collection is to be described."""
        return not self.only or collection in self.only


class Described(msgspec.Struct, frozen=True):
    """A collection that is there.

    ``schema`` has the names under which it is stored, and no key where none is seen. ``notes`` say what the schema
    leaves out, and what keeps it from fitting, a sentence each. ``annotations`` has the type of fields of which their
    kind does not say enough, as Python writes it; ``remarks`` what is to be said of single fields. ``option`` is the
    store's own option for the collection, such as a ``MongoCollection``. ``accept`` names the differences that a
    program which takes the collection as it is has to accept.

    >>> from holdall.query import FieldSchema, Kind
    >>> key, tags = FieldSchema("_id", Kind.STR, is_object_id=True), FieldSchema("tags", Kind.JSON)
    >>> found = Described(Schema("posts", (key, tags), ("_id",)), annotations={"tags": "list[str]"})
    >>> found.annotations["tags"], Look(only=frozenset({"posts"})).is_wanted(found.schema.name)
    ('list[str]', True)
    """

    schema: Schema
    notes: tuple[str, ...] = ()
    annotations: Mapping[str, str] = {}
    remarks: Mapping[str, str] = {}
    option: object = None
    accept: tuple[str, ...] = ()


class Description(msgspec.Struct, frozen=True):
    """Everything that a look at a store shows.

    ``options`` are those of the store with which its collections are found. ``url`` is where it lies, if that is not
    what was looked at. Example: :class:`Described`.
    """

    collections: tuple[Described, ...]
    options: Mapping[str, Value] = {}
    url: str = ""


@runtime_checkable
class NamingFields(Protocol):
    """An option of a collection that names fields. In its absence an option holds for fields of any name.

    Example: :class:`Described`.
    """

    def renamed(self, names: Mapping[str, str]) -> msgspec.Struct:
        """Return the same for fields that have the names given for theirs."""
        ...


@runtime_checkable
class Describing(Protocol):
    """A store that can say what it holds. In its absence ``holdall inspect`` refuses. Example: :class:`Store`."""

    async def describe(self, look: Look) -> Description:
        """Every collection that is there and wanted. Nothing is changed."""
        ...
