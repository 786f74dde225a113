"""Batches as what MongoDB is sent: documents to insert, filters that find records, and updates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from math import inf
from typing import Any

from pymongo import UpdateOne

from holdall.codegen import function
from holdall.query import FieldSchema, Key, Kind, Value
from holdall.store import Members
from holdall.stores.mongo.batches import Batch
from holdall.stores.mongo.documents import encoded_column
from holdall.stores.mongo.errors import Misfit, unstorable
from holdall.stores.mongo.layout import GUARD, TOKEN, Place
from holdall.stores.mongo.source import Document

__all__ = ["as_expected", "departures_of", "documents_of", "filters_of", "guards_of", "is_light", "updates_of"]


def documents_of(batch: Batch) -> list[Document]:
    """The documents of an ADD; what is null is left out, so that unique indexes pass it by."""
    layout, key_names = batch.layout, batch.layout.schema.key
    columns = dict(zip(batch.fields, zip(*batch.rows, strict=True) if batch.rows else (), strict=True))
    whole: dict[str, Sequence[Any]] = {"_id": _stored_keys(batch)}
    partial: dict[str, Sequence[Any]] = {TOKEN: batch.tokens} if any(batch.tokens) else {}
    for name, place in layout.places.items():
        if name in key_names:
            continue
        stored, has_missing = encoded_column(layout, place, columns.get(name) or _absent(place, len(batch)))
        (partial if has_missing else whole)[place.path] = stored
    documents = _builder(tuple(whole))(zip(*whole.values(), strict=True))
    for path, column in partial.items():
        for document, value in zip(documents, column, strict=True):
            if value is not None:
                document[path] = value
    return documents


@lru_cache(1_000)
def _builder(names: tuple[str, ...]) -> Callable[[Iterable[Sequence[Any]]], list[Document]]:
    """A function that makes documents of rows: twice as fast as ``dict(zip(…))``, and done for every record saved."""
    places = range(len(names))
    pairs = ", ".join(f"n{place}: v{place}" for place in places)
    values = ", ".join(f"v{place}" for place in places)
    given = {f"n{place}": name for place, name in enumerate(names)}
    build: Callable[[Iterable[Sequence[Any]]], list[Document]] = function(
        "build", "rows", f"[{{{pairs}}} for {values}, in rows]", given, "documents of rows"
    )
    return build


def is_light(batch: Batch) -> bool:
    """Whether the documents of an ADD surely fit into one command: fewer than MongoDB takes, and small ones."""
    if len(batch) > _MOST_DOCUMENTS:
        return False
    by_name, key = batch.layout.schema.by_name, batch.layout.schema.key
    size = _most_bytes(by_name[key[0]], batch.keys) if len(key) == 1 else inf
    for place, name in enumerate(batch.fields):
        field = by_name[name]
        is_text = _of_key(field).kind is Kind.STR
        size += len(field.column.encode()) * len(batch)
        size += _most_bytes(field, [row[place] for row in batch.rows] if is_text else batch.rows)
    return size < _MOST_BYTES


def _most_bytes(field: FieldSchema, values: Sequence[Value]) -> float:
    """Return an upper bound of the size of these values in bytes; infinity for kinds whose size is not known."""
    kind = _of_key(field).kind
    if kind in _OF_ANY_SIZE:
        return inf
    return _SMALL * len(values) + (4 * sum(map(len, filter(None, values))) if kind is Kind.STR else 0)


def _of_key(field: FieldSchema) -> FieldSchema:
    return field.target_key[0] if field.kind is Kind.REF and len(field.target_key) == 1 else field


_OF_ANY_SIZE = (Kind.BYTES, Kind.JSON, Kind.REF, Kind.MANY)
_MOST_DOCUMENTS = 50_000
_MOST_BYTES = 12 * 2**20  # of the 16 MiB of one command
_SMALL = 48  # more than any single number, date or UUID takes, the name of its field aside


def _absent(place: Place, count: int) -> Sequence[Value]:
    return [() if place.field.kind is Kind.MANY else None] * count


def filters_of(batch: Batch, *, at_once: bool = False) -> list[Document]:
    """Return the filter that finds each record of an UPDATE or REMOVE: its key and, if one is expected, its version.

    One update cannot have members come to a list and go from it. If it is to do all ``at_once``, it writes such a list
    whole, and finds the record only while the list, and whatever else is expected, is as it was.
    """
    layout = batch.layout
    keys = _stored_keys(batch)
    if layout.schema.version is None:
        found: list[Document] = [{"_id": key} for key in keys]
    else:
        path = layout.path(layout.schema.version)
        found = [
            {"_id": key} if version is None else {"_id": key, path: version}
            for key, version in zip(keys, batch.versions, strict=True)
        ]
    for index, place, members in _members(batch) if at_once else ():
        if members.come and members.gone:
            found[index][layout.path(place.field.name)] = _encoded(batch, place, members.before)
    return as_expected(batch, found) if at_once else found


def as_expected(batch: Batch, filters: list[Document]) -> list[Document]:
    """The filters, with what else is expected of the records, where anything is."""
    if not batch.conditions:
        return filters
    return [wanted | condition for wanted, condition in zip(filters, batch.conditions, strict=True)]


def departures_of(batch: Batch) -> list[UpdateOne]:
    """Return the updates that take members from the lists to which others come, before ``updates_of``."""
    found = filters_of(batch)
    return [
        UpdateOne(
            found[index], {"$pullAll": {batch.layout.path(place.field.name): _encoded(batch, place, members.gone)}}
        )
        for index, place, members in _members(batch)
        if members.come and members.gone
    ]


def guards_of(filters: Iterable[Document]) -> Iterator[UpdateOne]:
    """The updates that leave documents as they are and are changes all the same: of two who make one, one has to wait.

    An update that changes nothing is none to the server.
    """
    for wanted in filters:
        yield UpdateOne(wanted, {"$set": {GUARD: True}})
        yield UpdateOne({"_id": wanted["_id"]}, {"$unset": {GUARD: ""}})


def updates_of(batch: Batch, *, at_once: bool = False) -> list[Document]:
    """Return the update of each record of an UPDATE, ``at_once`` or after ``departures_of``."""
    layout = batch.layout
    columns: list[Sequence[Value]] = [
        encoded_column(layout, layout.places[name], column)[0]
        for name, column in zip(batch.fields, zip(*batch.rows, strict=True), strict=True)
    ]
    if any(batch.tokens):
        columns.append(batch.tokens)
    names = [layout.path(name) for name in batch.fields] + ([TOKEN] if any(batch.tokens) else [])
    rows = zip(*columns, strict=True) if columns else ((),) * len(batch)
    updates = [_update(names, row) for row in rows]
    for index, place, members in _members(batch):
        if not (at_once and members.come and members.gone):
            _write_members(updates[index], batch, place, members)
    return updates


def _members(batch: Batch) -> Iterator[tuple[int, Place, Members]]:
    """The lists of which it is known what came and went: the index of the change, and the field."""
    for number, name in enumerate(batch.fields):
        place = batch.layout.places[name]
        if place.field.kind is Kind.MANY:
            for index, row in enumerate(batch.rows):
                if isinstance(row[number], Members):
                    yield index, place, row[number]


def _write_members(update: Document, batch: Batch, place: Place, members: Members) -> None:
    """Let the update add or take away members instead of writing the list."""
    path = batch.layout.path(place.field.name)
    del update["$set"][path]
    if not update["$set"]:
        del update["$set"]
    if members.come:
        update.setdefault("$addToSet", {})[path] = {"$each": _encoded(batch, place, members.come)}
    else:
        update.setdefault("$pullAll", {})[path] = _encoded(batch, place, members.gone)


def _encoded(batch: Batch, place: Place, keys: Iterable[Key]) -> list[Value]:
    return list(encoded_column(batch.layout, place, [tuple(keys)])[0][0])


def _update(names: Sequence[str], row: Sequence[Value]) -> Document:
    given = {name: value for name, value in zip(names, row, strict=True) if value is not None}
    update: Document = {"$set": given} if given else {}
    if len(given) < len(names):
        update["$unset"] = dict.fromkeys((name for name in names if name not in given), "")
    return update or {"$setOnInsert": {TOKEN: ""}}  # nothing to change: only whether it is there, as it was


def _stored_keys(batch: Batch) -> list[Key]:
    layout = batch.layout
    try:
        return [layout.key.encoded(key) for key in batch.keys] if layout.key.encode is not None else batch.keys
    except Misfit as misfit:
        raise unstorable(layout.schema.name, layout.schema.key[0], str(misfit)) from misfit
