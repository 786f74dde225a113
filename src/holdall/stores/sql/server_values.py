"""Values that the database gives: defaults, generated columns, what triggers set.

New records of one kind ask for them in the statement that inserts them. All others are read back in the transaction
that writes them, once all of it is written, because triggers run after the statement that returns a row.

Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from holdall.query import AnyQuery, Generated, Key, Schema
from holdall.store import Change, Outcome, Row, Runs, Verb
from holdall.stores.sql.compile import Statement
from holdall.stores.sql.record_looks import look_at
from holdall.stores.sql.returning import Returned, Returning, returning
from holdall.stores.sql.steps import PartSteps
from holdall.stores.sql.tables import Tables

__all__ = ["ServerValues", "given_names"]


def given_names(schema: Schema, verb: Verb, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The fields whose values the store gives where these are sent."""
    if verb is Verb.REMOVE or not schema.given_by_store:
        return ()
    return tuple(
        name
        for name in schema.given_by_store
        if schema.by_name[name].generated is Generated.COMPUTED or (verb is Verb.ADD and name not in fields)
    )


class ServerValues:
    """Reads back what one store gives; ``compile_query`` makes the statement that reads a record."""

    def __init__(self, tables: Tables, compile_query: Callable[[AnyQuery], Statement]) -> None:
        self._tables = tables
        self._compile = compile_query
        self._generation = -1
        self._is_any = False
        self._returnings: dict[tuple[str, tuple[str, ...]], Returning] = {}

    @property
    def is_any(self) -> bool:
        """Whether any collection has such fields."""
        if self._generation != self._tables.generation:
            self._is_any = any(schema.given_by_store for schema in self._tables.schemas.values())
            self._generation = self._tables.generation
            self._returnings.clear()
        return self._is_any

    def is_asked(self, changes: Sequence[Change]) -> bool:
        """Whether the store gives a value to a record that these changes write."""
        parts = changes.runs if isinstance(changes, Runs) else changes
        schemas = self._tables.schemas
        return any(given_names(schemas[part.collection], part.verb, part.fields) for part in parts)

    def returned(self, changes: Sequence[Change]) -> Returned | None:
        """A place for what inserts return; None where the changes are not all new records of one kind, whose rows are
        the only ones that are written: what other rows bring about is seen after them only.
        """
        parts = changes.runs if isinstance(changes, Runs) else changes
        collection, fields = parts[0].collection, parts[0].fields
        if not all(part.verb is Verb.ADD and part.collection == collection and part.fields == fields for part in parts):
            return None
        layout = self._tables.layout(collection)
        if not layout.links.keys().isdisjoint(fields):
            return None
        names = given_names(layout.schema, Verb.ADD, fields)
        if not all(name in layout.leaves for name in names):
            return None
        asked = self._returnings.get((collection, names))
        if asked is None:
            asked = self._returnings[collection, names] = returning(layout, names, self._tables.dialect)
        return Returned(asked)

    def steps(self, changes: Sequence[Change], outcomes: list[Outcome]) -> PartSteps:
        """Read the values, and put them into the outcomes, which have the keys that were made."""
        asked: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for position, change in enumerate(changes):
            names = given_names(self._tables.schemas[change.collection], change.verb, change.fields)
            if names:
                asked.setdefault((change.collection, names), []).append(position)
        for (collection, names), positions in asked.items():
            layout, found = self._tables.layout(collection), dict[Key, Row]()
            keys = [_key_of(changes[position], outcomes[position]) for position in positions]
            yield from look_at(layout, names, keys, positions, self._compile, found)
            for position, key in zip(positions, keys, strict=True):
                values = found.get(key)
                if values is not None:
                    given = dict(zip(names, values, strict=True))
                    outcomes[position] = msgspec.structs.replace(outcomes[position], given=given)


def _key_of(change: Change, outcome: Outcome) -> Key:
    return outcome.key if change.key is None else change.key
