"""The audit trail: who changed which record, when, from what to what, kept in the same commit as the change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar
from uuid import UUID

import msgspec

from holdall.errors import DeclarationError
from holdall.events.body import KeysToCome
from holdall.events.event import python_values
from holdall.events.happened import Happened
from holdall.events.json_values import bounded_key_text, shown_values
from holdall.events.rows import RowBinding, can_keep_rows
from holdall.model import JSON, Model, Record, field
from holdall.model.json_output import encode_hook
from holdall.policy import Nobody, Policy
from holdall.policy.rule import Given
from holdall.query import Kind, Value
from holdall.session import Binding, Bindings
from holdall.session.journal.packing import KeyToCome
from holdall.store import Store

__all__ = ["Audit", "AuditEntry"]

_AWAITING = ("number", "made_1", "made_2", "made_3")


class AuditEntry(Model, abstract=True):
    """One change of one record, as the audit trail keeps it; ``app.add_audit`` makes the model of an application.

    A record whose key is a whole number is named by ``number``, any other one by ``key``. ``before`` and ``after`` are
    values as JSON shows them: of a change those of ``names``, which it gave other values; without those of secrets.
    A reference to a record of the same commit, whose key its store made, stands as ``{"made": "made_1"}``: that field
    has the key. ``audited`` are the models whose changes it keeps.

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


class Audit:
    """Keeps the changes of some collections in one store; a sink of ``Listeners``."""

    def __init__(self, models: Collection[type[Model]], store: Store, collection: str, read: Given) -> None:
        if not can_keep_rows(store):
            raise DeclarationError(f"store {store.name!r} cannot keep an audit trail with its commits; name a database")
        self._models = frozenset(models)
        self.binding = RowBinding(_model(collection, self._models), store, Policy(read=read, write=Nobody), _AWAITING)

    def watches(self, binding: Binding) -> bool:
        """Whether changes of a collection are kept."""
        return binding.model in self._models

    def settle(self, bindings: Bindings) -> None:
        """See that every model is there, and where entries are kept now. Raises StateError for one that is not."""
        for model in self._models:
            bindings.of_model(model)
        kept = bindings.of_model(self.binding.model)
        if isinstance(kept, RowBinding):
            self.binding = kept

    def rows(self, happened: Happened) -> Iterator[tuple[RowBinding, Record, list[Record]]]:
        """Return the entry of one event."""
        occurrence, to_come = happened.occurrence, KeysToCome(len(_AWAITING))
        binding, key = occurrence.binding, occurrence.key
        is_counted = len(binding.declaration.key) == 1 and binding.declaration.key[0].kind is Kind.INT
        if key is None or not is_counted:
            to_come.records.append(occurrence.record if key is None else None)
        old, new = happened.values()
        new = {name: value for name, value in new.items() if value is not occurrence.record}
        entry = self.binding.model(
            at=happened.facts.at,
            kind=occurrence.kind.value,
            collection=binding.collection,
            number=key if is_counted else None,
            key=None if is_counted or key is None else bounded_key_text(key),
            by=None if happened.facts.user.id is None else str(happened.facts.user.id)[:200],
            request_id=happened.facts.request_id,
            commit=happened.facts.commit,
            names=list(happened.fields),
            before=_json(binding, to_come.placed(old)) if old else None,
            after=_json(binding, to_come.placed(new)) if new else None,
        )
        yield self.binding, entry, to_come.records

    def written(self, collections: set[str]) -> None:
        """Nobody waits for entries."""


def _model(name: str, models: frozenset[type[Model]]) -> Value:
    class Entry(AuditEntry, collection=name):
        audited = models

    return Entry


def _json(binding: Binding, values: Mapping[str, Value]) -> Value:
    """Values as JSON shows them."""
    plain = {name: value for name, value in values.items() if not _awaits(value)}
    shown = shown_values(binding.model, python_values(binding, plain))
    shown |= {name: _placed(value) for name, value in values.items() if name not in plain}
    return msgspec.to_builtins(shown, enc_hook=encode_hook)


def _awaits(value: object) -> bool:
    return isinstance(value, KeyToCome) or (isinstance(value, tuple) and any(map(_awaits, value)))


def _placed(value: Value) -> Value:
    if isinstance(value, KeyToCome):
        return {"made": _AWAITING[value.place]}
    return [_placed(item) for item in value] if isinstance(value, tuple) else value
