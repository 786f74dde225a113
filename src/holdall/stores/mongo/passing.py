"""Unique values that pass from one record to another within one ``apply``: who holds them lets go before others take.

MongoDB holds each write against the documents as they are at that moment, and only the state in the end is to count. So
a document that holds what another is to get is first given a value that no other has. Pure: it sends nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import msgspec
from bson import ObjectId
from pymongo import UpdateOne

from holdall.query import Key, Value
from holdall.store import Verb
from holdall.stores.mongo.batches import Batch
from holdall.stores.mongo.commands import filters_of
from holdall.stores.mongo.documents import encoded_column
from holdall.stores.mongo.layout import Layout
from holdall.stores.mongo.source import Document

__all__ = ["Claim", "claims_of", "disputed_rules"]

_AT_ONCE = 1_000  # values asked for


class Holder(msgspec.Struct):
    """A record that will let go of its values: what finds its document, and the path of the field to change first."""

    wanted: Document
    path: str


class Claim(msgspec.Struct):
    """Values that records are to get in the fields at ``paths``, of one unique rule.

    ``takers`` holds, by value, the keys of those that are to get it; ``holders`` by key those that will let go.
    """

    layout: Layout
    rule: tuple[str, ...]  # all paths of the rule
    paths: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    keys: list[Key]  # of the takers, in the order of the rows
    takers: dict[Key, set[Any]]
    holders: dict[Key, Holder]

    def questions(self) -> Iterator[Document]:
        """Filters that find the documents which have any of the values now."""
        for start in range(0, len(self.rows), _AT_ONCE):
            rows = self.rows[start : start + _AT_ONCE]
            if len(self.paths) == 1:
                yield {self.paths[0]: {"$in": [row[0] for row in rows]}}
            else:
                yield {"$or": [dict(zip(self.paths, row, strict=True)) for row in rows]}

    def held(self) -> Iterator[Document]:
        """Filters that find the documents which will let go, by their keys, which are always indexed.

        Where there are many more of these than values, those with the values are asked for.
        """
        if len(self.holders) > len(self.rows) + _AT_ONCE:
            yield from self.questions()
            return
        keys = [holder.wanted["_id"] for holder in self.holders.values()]
        for start in range(0, len(keys), _AT_ONCE):
            yield {"_id": {"$in": keys[start : start + _AT_ONCE]}}

    def releases(self, found: Sequence[Document]) -> list[UpdateOne]:
        """Return the updates that make documents let go of values that others are to get, and hold those values for
        them.
        """
        updates = []
        for document in found:
            key = hashable(document["_id"])
            holder, takers = self.holders.get(key), self._takers(document)
            if holder is not None and takers and takers != {key}:
                updates.append(UpdateOne(holder.wanted, {"$set": {holder.path: ObjectId()}}))
        return updates

    def completed(self, found: Sequence[Document]) -> Claim:
        """The claim to values in all fields of the rule, those not given as they are in the takers' documents."""
        documents = {hashable(document["_id"]): document for document in found}
        rows, keys, takers = list[tuple[Any, ...]](), list[Any](), dict[Any, set[Any]]()
        for row, key in zip(self.rows, self.keys, strict=True):
            given = dict(zip(self.paths, row, strict=True))
            document = documents.get(hashable(key), {})
            whole = tuple([given[path] if path in given else _at(document, path) for path in self.rule])
            if None not in whole:
                rows.append(whole)
                keys.append(key)
                takers.setdefault(tuple(map(hashable, whole)), set()).add(hashable(key))
        return Claim(self.layout, self.rule, self.rule, rows, keys, takers, self.holders)

    @property
    def place(self) -> tuple[str, tuple[str, ...]]:
        """The collection and the rule."""
        return self.layout.schema.name, self.rule

    def _takers(self, document: Document) -> set[Any]:
        return self.takers.get(tuple([hashable(_at(document, path)) for path in self.paths]), set())


def disputed_rules(looked: Sequence[tuple[Claim, Sequence[Document]]]) -> set[tuple[str, tuple[str, ...]]]:
    """The rules in which a value is claimed by two records, or held by a document that keeps it."""
    disputed = set[tuple[str, tuple[str, ...]]]()
    takers: dict[Key, set[Any]] = {}
    for claim, found in looked:
        for value, keys in claim.takers.items():
            known = takers.setdefault((claim.place, value), set())
            known |= keys
            if len(known) > 1:
                disputed.add(claim.place)
        if any(hashable(document["_id"]) not in claim.holders for document in found):
            disputed.add(claim.place)
    return disputed


def hashable(value: object) -> Hashable:
    """A stored key or value as one that a dictionary takes."""
    if isinstance(value, dict):
        return tuple([(name, hashable(part)) for name, part in value.items()])
    return value


def _at(document: Document, path: str) -> Value:
    name, _, part = path.partition(".")
    return document.get(name, {}).get(part) if part else document.get(name)


def claims_of(batches: Sequence[Batch]) -> list[Claim]:
    """Return the values that may pass on from one record to another; nothing where no record both lets go and another
    takes.
    """
    if not any(batch.verb is not Verb.ADD and batch.layout.schema.unique for batch in batches):
        return []
    found: list[Claim] = []
    for name in sorted({batch.layout.schema.name for batch in batches if batch.verb is not Verb.ADD}):
        of_collection = [batch for batch in batches if batch.layout.schema.name == name]
        for rule in of_collection[0].layout.schema.unique:
            found.extend(_claims(rule, of_collection))
    return found


def _claims(rule: tuple[str, ...], batches: Sequence[Batch]) -> Iterator[Claim]:
    layout = batches[0].layout
    key = layout.schema.key
    taking = [batch for batch in batches if batch.verb is not Verb.REMOVE and not set(rule).isdisjoint(batch.fields)]
    freeing = list[tuple[Batch, str]]()
    for batch in batches:
        given = rule if batch.verb is Verb.REMOVE else batch.fields
        named = [name for name in rule if name in given and name not in key]
        if batch.verb is not Verb.ADD and named:
            freeing.append((batch, layout.path(named[0])))
    if not taking or not freeing or _is_one(taking, freeing):
        return
    holders = {hashable(wanted["_id"]): Holder(wanted, path) for batch, path in freeing for wanted in filters_of(batch)}
    for batch in taking:
        names = [name for name in rule if name in batch.fields]
        places = [batch.fields.index(name) for name in names]
        columns = [
            encoded_column(layout, layout.places[name], [row[place] for row in batch.rows])[0]
            for name, place in zip(names, places, strict=True)
        ]
        rows, keys, takers = list[tuple[Any, ...]](), list[Any](), dict[Any, set[Any]]()
        for row, wanted in zip(zip(*columns, strict=True), filters_of(batch), strict=True):
            if None not in row:
                rows.append(row)
                keys.append(wanted["_id"])
                takers.setdefault(tuple(map(hashable, row)), set()).add(hashable(wanted["_id"]))
        if rows:
            whole = tuple(map(layout.path, rule))
            yield Claim(layout, whole, tuple(map(layout.path, names)), rows, keys, takers, holders)


def _is_one(taking: Sequence[Batch], freeing: Sequence[tuple[Batch, str]]) -> bool:
    """Whether one change alone lets go and takes."""
    return len(taking) == len(freeing) == 1 and taking[0] is freeing[0][0] and len(taking[0]) == 1
