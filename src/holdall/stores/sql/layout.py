"""Where the fields of a collection lie in its tables."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import sqlalchemy as sa

from holdall.query import FieldSchema, Schema
from holdall.stores.sql.columns import Leaf

__all__ = ["LINK", "Layout", "Link", "Rule"]

LINK = "holdall: link"
"""In the ``info`` of a table that keeps a Many: where others made it, it may have a key of its own beside."""


@dataclass(frozen=True, slots=True)
class Link:
    """The table of one stored Many: a row for each reference of each owner."""

    field: FieldSchema
    table: sa.Table
    owner: tuple[Leaf, ...]  # columns that hold the owner's key
    target: tuple[Leaf, ...]  # columns that hold the key referred to
    position: str | None  # the column that counts from 0, for a LIST

    def keys(self) -> Layout:
        """Where the keys referred to lie, as if they were a collection of their own."""
        leaves, place = {}, 0
        for part in self.field.target_key:
            width = _width(part)
            found = self.target[place : place + width]
            if len(self.field.target_key) > 1:  # the value is the part now, not the whole key
                found = tuple([dataclasses.replace(leaf, steps=leaf.steps[1:]) for leaf in found])
            leaves[part.name] = found
            place += width
        names = tuple([part.name for part in self.field.target_key])
        schema = Schema(str(self.field.target), self.field.target_key, names)
        return Layout(schema, self.table, leaves, self.target, None, None)


def _width(field: FieldSchema) -> int:
    """How many columns a field of a key takes."""
    return sum(map(_width, field.target_key)) if field.target_key else 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a collection's fields lie."""

    schema: Schema
    table: sa.Table
    leaves: dict[str, tuple[Leaf, ...]]  # by field name; a Many has none here
    key: tuple[Leaf, ...]
    version: str | None  # the version's column
    generated: str | None  # the column the database counts
    links: dict[str, Link] = dataclasses.field(default_factory=dict)

    def columns(self, name: str) -> tuple[str, ...]:
        """The column names of a field."""
        return tuple(leaf.name for leaf in self.leaves[name])


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a constraint: ``kind`` is ``key``, ``unique`` or ``reference``."""

    kind: str
    collection: str
    fields: tuple[str, ...]
