"""The history of a record by its audit trail: what changed, how it was at a moment, and back to that."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import msgspec

from holdall.errors import NotFound, QueryError, StateError
from holdall.events.audit_entry import AuditEntry
from holdall.events.json_values import bounded_key_text, shown_values, stored_values
from holdall.model import JSON, Model, assign, old_of
from holdall.model.json_output import encode_hook
from holdall.query import Compare, Key, Kind, Op, Query, Value, desc
from holdall.session import Session

__all__ = ["Difference", "RecordChange", "as_of", "history", "restore"]

_BATCH = 200  # entries


class Difference(msgspec.Struct, frozen=True):
    """A value before and after a change, as JSON shows it; None where there was none. Example: :func:`history`."""

    before: JSON
    after: JSON


class RecordChange(msgspec.Struct, frozen=True):
    """The effect of one commit on a record. Example: :func:`history`."""

    id: UUID
    at: dt.datetime
    by: str | None
    kind: str
    commit: str
    request_id: str | None
    changes: dict[str, Difference]


async def history(
    session: Session, entries: type[AuditEntry], model: type[Model], key: Key, *, limit: int = 100
) -> list[RecordChange]:
    """Return the last changes of a record, at most ``limit`` of them, the latest first.

    ``entries`` is the model that ``app.add_audit`` gave; its rule says who may read them. Raises Forbidden for others,
    QueryError for a model whose changes it does not keep.

    >>> from holdall import Holdall, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "draft"
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> Entry = app.add_audit(Book, store="main")
    >>> async def example() -> None:
    ...     async with app.session() as session:
    ...         book = session.add(Book(id=7))
    ...         await session.commit()
    ...         then = (await history(session, Entry, Book, 7))[0].at
    ...         book.status = "out"
    ...         await session.commit()
    ...         for change in await history(session, Entry, Book, 7):
    ...             print(change.kind, change.changes["status"])
    ...         print(await as_of(session, Entry, Book, 7, then))
    ...         await restore(session, Entry, Book, 7, then)
    ...         print(book.status)
    >>> import asyncio
    >>> asyncio.run(example())
    changed Difference(before='draft', after='out')
    created Difference(before=None, after='draft')
    {'id': 7, 'status': 'draft'}
    draft
    """
    found = await session.query(_entries(entries, model, key).limit(limit))
    return [_change(entry) for entry in found]


async def as_of(
    session: Session, entries: type[AuditEntry], model: type[Model], key: Key, moment: dt.datetime
) -> dict[str, JSON] | None:
    """Return the values of a record at a moment, as JSON shows them, without secrets and the version; None where there
    was none.

    Raises StateError where the trail cannot tell, as the record was written without it, or may not be read.
    Example: :func:`history`.
    """
    record = await session.get(model, key)
    is_known = record is not None or await _deleted(session, model, key) is not None
    values = None if record is None else _shown(record, old_of(record))
    async for entry in _since(session, entries, model, key, moment):
        if entry.kind == "created":
            values, is_known = None, True
        elif entry.kind == "deleted":
            values, is_known = _object(entry.before), True
        elif values is None and is_known:
            continue  # it was deleted, and stayed
        elif values is None:
            name = model.__holdall__.collection
            raise StateError(f"the trail of {name} {key!r} has changes of a record that is not there or not to be read")
        else:
            values |= _object(entry.before)
    counted = model.__holdall__.version
    return values if values is None or counted is None else _without(values, counted.name)


async def restore(
    session: Session, entries: type[AuditEntry], model: type[Model], key: Key, moment: dt.datetime
) -> Model:
    """Give a record the values of a moment, or add it again; the commit of the session writes it.

    Raises NotFound where the record was not there at that moment, StateError as ``as_of`` does. Fields
    that commits fill, and secrets, stay as they are. Example: :func:`history`.
    """
    values = await as_of(session, entries, model, key, moment)
    declaration = model.__holdall__
    if values is None:
        raise NotFound(declaration.collection, key)
    own = {each.name: values[each.name] for each in declaration.stored if each.name in values}
    record = await session.get(model, key)
    if record is None and (record := await _deleted(session, model, key)) is not None:
        session.restore(record)
    if record is None:
        return session.add(model.from_dict(own, stored=True))
    now, keys = _shown(record, {}), {each.name for each in declaration.key}
    kept = {name: value for name, value in own.items() if name not in keys and value != now.get(name)}
    made = {each.name for each in declaration.stored if each.options.is_given_elsewhere}
    given = declaration.json_input.values_from({name: value for name, value in kept.items() if name not in made})
    assign(record, given)
    return record


def _entries(entries: type[AuditEntry], model: type[Model], key: Key) -> Query[AuditEntry]:
    declaration = model.__holdall__
    if not issubclass(entries, AuditEntry):
        raise QueryError(f"{entries.__name__} is no audit trail; name the model that app.add_audit(...) has given")
    if model not in entries.audited:
        raise QueryError(
            f"changes of {declaration.collection} are not kept in {entries.__holdall__.collection}; name its"
            f" model where the trail is declared: app.add_audit({model.__name__}, ...)"
        )
    is_counted = len(declaration.key) == 1 and declaration.key[0].kind is Kind.INT
    named = entries.number == key if is_counted else entries.key == bounded_key_text(key)
    found: Query[AuditEntry] = entries.where(entries.collection == declaration.collection, named)
    return found.sort(desc(entries.at), desc(entries.id))


async def _since(
    session: Session, entries: type[AuditEntry], model: type[Model], key: Key, moment: dt.datetime
) -> AsyncIterator[AuditEntry]:
    """The entries after a moment, the latest first."""
    query, position = _entries(entries, model, key).where(entries.at > moment), 0
    while True:
        found = await session.query(query.offset(position).limit(_BATCH))
        for entry in found:
            yield entry
        if len(found) < _BATCH:
            return
        position += len(found)


def _change(entry: AuditEntry) -> RecordChange:
    before, after = _object(entry.before), _object(entry.after)
    names = sorted(before.keys() | after.keys())
    changes = {name: Difference(before.get(name), after.get(name)) for name in names}
    return RecordChange(entry.id, entry.at, entry.by, entry.kind, entry.commit, entry.request_id, changes)


def _without(values: dict[str, JSON], name: str) -> dict[str, JSON]:
    return {each: value for each, value in values.items() if each != name}


def _object(values: JSON) -> dict[str, Value]:
    return dict(values) if isinstance(values, dict) else {}


async def _deleted(session: Session, model: type[Model], key: Key) -> Model | None:
    """The record where it is deleted and stays, and the user may see that."""
    declaration = model.__holdall__
    if declaration.deletion is None:
        return None
    parts = key if isinstance(key, tuple) else (key,)
    names = [field.name for field in declaration.key]
    conditions = [Compare((name,), Op.EQ, part) for name, part in zip(names, parts, strict=True)]
    gone = Compare((declaration.deletion.name,), Op.IS_NULL, False)
    found: Model | None = await session.first(model.where(gone, *conditions))
    return found


def _shown(record: Model, before: Mapping[str, Value]) -> dict[str, Value]:
    """The values of a record as entries have them: those it had ``before``, where there are any, else those of now."""
    found: dict[str, Value] = msgspec.json.decode(
        msgspec.json.encode(shown_values(type(record), stored_values(record, before)), enc_hook=encode_hook)
    )
    return found
