"""Revisions of an application's tables: one line of reviewed files for each store that keeps tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from holdall.errors import DeclarationError, FieldError, RevisionError, ValidationError
from holdall.model import decode_text
from holdall.query import Kind, Value
from holdall.session import Bindings
from holdall.store import Revisable, Revision, Revisions, Store, Wishes

__all__ = ["Revising"]


class Revising(msgspec.Struct, eq=False):
    """Makes and carries out the revisions of all stores that have tables, or of those that are named.

    Each store has a folder of its own below ``folder``. Stores without tables are left out: ``create`` makes what
    they need, whenever it is called.

    >>> from holdall import Holdall
    >>> app = Holdall("atlas")
    >>> app.add_store("main", "memory:")
    >>> app.revisions("revisions").stores()
    {}
    """

    bindings: Bindings
    every: Mapping[str, Store]
    folder: Path

    def stores(self, name: str | None = None) -> dict[str, Revisions]:
        """Return the revisions by store, all or those of one. Raises DeclarationError for a store without any."""
        self.bindings.configure()
        if name is not None and not isinstance(self.every.get(name), Revisable):
            named = ", ".join(sorted(each for each, store in self.every.items() if isinstance(store, Revisable)))
            raise DeclarationError(f"{name!r} is no store whose tables can be revised; those are: {named or 'none'}")
        return {
            each: store.revisions(self.folder / each)
            for each, store in self.every.items()
            if isinstance(store, Revisable) and name in (None, each)
        }

    async def make(
        self,
        message: str,
        *,
        store: str | None = None,
        renames: Mapping[str, str] = MappingProxyType({}),
        fills: Mapping[str, str] = MappingProxyType({}),
        is_empty: bool = False,
        is_baseline: bool = False,
    ) -> dict[str, Revision]:
        """Write the next revision of each store that needs one, and return them by store; none where one is refused.

        ``renames`` gives new names by old ones, ``{"book.titel": "title"}`` for columns and ``{"book": "volume"}`` for
        tables; ``fills`` the values of records that have none yet, as text by ``collection.field``: without one, the
        field's default is taken. ``is_empty`` is for steps that are written by hand. ``is_baseline`` is for tables
        that ``create`` made and stores without a revision: the first one makes the tables in an empty database, and is
        noted as carried out here. Raises RevisionError where a store has revisions that are not carried out, or where
        a value is missing, and for a rename of a table that no store has.
        """
        filled, stores = self._fills(fills), self.stores(store)
        if is_baseline and any(not each.names() for each in stores.values()):
            stores = {name: each for name, each in stores.items() if not each.names()}
        renamed = await _by_store(stores, renames)
        made: dict[str, Revision] = {}
        try:
            for name, each in stores.items():
                there = {binding.collection for binding in self.bindings if binding.store is self.every[name]}
                own = {place: value for place, value in filled.items() if place[0] in there}
                revision = await each.make(message, Wishes(renamed[name], own, is_empty, is_baseline))
                if revision is not None:
                    made[name] = revision
        except BaseException:
            for revision in made.values():
                revision.file.unlink(missing_ok=True)
            raise
        for name in made if is_baseline else ():
            await stores[name].stamp()
        return made

    async def upgrade(self, target: str = "head", *, store: str | None = None) -> dict[str, list[Revision]]:
        """Carry out what is missing up to a revision, and return it by store. Raises RevisionError."""
        return {name: await each.upgrade(target) for name, each in self._meant(target, store).items()}

    async def downgrade(self, target: str, *, store: str | None = None) -> dict[str, list[Revision]]:
        """Take back what came after a revision, ``base`` for all, and return it by store. Raises RevisionError."""
        return {name: await each.downgrade(target) for name, each in self._meant(target, store).items()}

    async def stamp(self, target: str = "head", *, store: str | None = None) -> None:
        """Note that the tables are as a revision leaves them, and change nothing else. Raises RevisionError."""
        meant = self._meant(target, store)
        if not meant:
            raise RevisionError(", ".join(self.stores(store)), f"there is no revision in {self.folder} yet to be noted")
        for each in meant.values():
            await each.stamp(target)

    async def history(self, *, store: str | None = None) -> dict[str, list[Revision]]:
        """Return all revisions by store, the first one first. Raises RevisionError."""
        return {name: await each.history() for name, each in self.stores(store).items()}

    async def drift(self, *, store: str | None = None) -> dict[str, list[str]]:
        """Return by store what a new revision would change, a sentence each; nothing where tables are as wanted."""
        found = {name: await each.drift() for name, each in self.stores(store).items()}
        return {name: told for name, told in found.items() if told}

    def script(self, start: str = "base", target: str = "head", *, store: str | None = None) -> dict[str, str]:
        """Return by store the SQL that leads from one revision to another. Raises RevisionError."""
        return {name: each.script(start, target) for name, each in self._meant(target, store).items()}

    def _meant(self, target: str, store: str | None) -> dict[str, Revisions]:
        """The stores that have a revision; all that have any for ``head`` and ``base``.

        Raises RevisionError for a name that none of them has, or several.
        """
        stores = self.stores(store)
        if target in ("head", "base"):
            return {name: each for name, each in stores.items() if each.names()}
        meant = {name: each for name, each in stores.items() if any(known.startswith(target) for known in each.names())}
        if not meant:
            raise RevisionError(", ".join(stores), f"there is no revision {target!r} in {self.folder}")
        if len(meant) > 1:
            raise RevisionError(", ".join(meant), f"each has a revision {target!r}: name the store, too")
        return meant

    def _fills(self, given: Mapping[str, str]) -> dict[tuple[str, str], Value]:
        found: dict[tuple[str, str], Value] = {}
        for binding in self.bindings:
            for field in binding.declaration.stored:
                is_scalar = field.kind not in (Kind.REF, Kind.MANY)
                if field.has_default and is_scalar and not (field.nullable or field.may_be_unset):
                    default = _constant(field)
                    if default is not None:
                        found[binding.collection, field.name] = default
        for name, text in given.items():
            collection, _, wanted = name.rpartition(".")
            field = self._field(collection, wanted)
            found[collection, wanted] = _value(field, text)
        return found

    def _field(self, collection: str, name: str) -> Any:
        for binding in self.bindings:
            field = binding.declaration.by_name.get(name) if binding.collection == collection else None
            if field is not None:
                return field
        raise DeclarationError(f"there is no field {collection}.{name} that could be filled")


def _constant(field: Any) -> Value:
    """The border value of a default that is always the same: a value, or what a class such as ``list`` makes."""
    factory = field.options.default_factory
    if factory is not None and not isinstance(factory, type):
        return None
    first, second = [None if each is None else field.encode(each) for each in (field.default(), field.default())]
    return first if first == second else None


async def _by_store(stores: Mapping[str, Revisions], renames: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The renames of each store: those of its tables and their columns. Raises RevisionError for one of no store."""
    tables = {name: await each.table_names() for name, each in stores.items()} if renames else {}
    found: dict[str, dict[str, str]] = {name: {} for name in stores}
    for old, new in renames.items():
        owners = [name for name, known in tables.items() if {old, old.rpartition(".")[0]} & known]
        if not owners:
            hint = "a rename is of table.column, or of a table"
            raise RevisionError(", ".join(stores), f"no store has the table that {old!r} names; {hint}")
        for name in owners:
            found[name][old] = new
    return found


def _value(field: Any, text: str) -> Value:
    """The border value that a text stands for. Raises ValidationError."""
    if field.kind is not Kind.JSON:
        return field.encode(decode_text(field, text))
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValidationError(field.model, [FieldError(field.name, "type", "must be JSON")]) from error
