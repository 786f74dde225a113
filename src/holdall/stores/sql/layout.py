"""Where the fields of a collection lie in its tables."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import sqlalchemy as sa

from holdall.query import FieldSchema, Schema
from holdall.stores.sql.columns import Leaf

__all__ = ["Layout", "Link", "Rule"]


@dataclass(frozen=True, slots=True)
class Link:
    """The table of one stored Many: a row for each reference of each owner."""

    field: FieldSchema
    table: sa.Table
    owner: tuple[Leaf, ...]  # columns that hold the owner's key
    target: tuple[Leaf, ...]  # columns that hold the key referred to
    position: str | None  # the column that counts from 0, for a LIST


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
    """What a constraint keeps: ``kind`` is ``key``, ``unique`` or ``reference``."""

    kind: str
    collection: str
    fields: tuple[str, ...]
