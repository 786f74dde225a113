"""Paths to columns: each reference on the way is one LEFT JOIN, shared by all paths that take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from holdall.query import FieldSchema, Path
from holdall.stores.sql.columns import Leaf
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.tables import Tables

__all__ = ["Operand", "Scope", "same"]


@dataclass(frozen=True, slots=True)
class Operand:
    """The columns a path leads to, with the field they hold and whether they can be missing."""

    field: FieldSchema
    leaves: tuple[Leaf, ...]
    columns: tuple[Element, ...]
    nullable: bool


class Scope:
    """One FROM clause: a collection's table under an alias of its own, and the joins the paths from it need."""

    def __init__(self, tables: Tables, collection: str, counter: list[int]) -> None:
        self._tables = tables
        self._counter = counter
        layout = tables.layout(collection)
        self.root = self._alias(layout.table)
        self._nodes: dict[Path, tuple[Layout, sa.FromClause]] = {(): (layout, self.root)}
        self.source: sa.FromClause = self.root
        self.aliases: list[sa.FromClause] = [self.root]

    def field(self, path: Path) -> FieldSchema:
        return self.record(path[:-1])[0].schema.field(path[-1])

    def operand(self, path: Path) -> Operand:
        """The columns of the field at the path."""
        layout, alias = self.record(path[:-1])
        field = layout.schema.field(path[-1])
        found = layout.leaves[field.name]
        columns = tuple(alias.c[leaf.name] for leaf in found)
        return Operand(field, found, columns, field.nullable or len(path) > 1)

    def record(self, path: Path) -> tuple[Layout, sa.FromClause]:
        """The table of the record a path of references leads to, and the alias that stands for that record."""
        known = self._nodes.get(path)
        if known is not None:
            return known
        owner, alias = self.record(path[:-1])
        field = owner.schema.field(path[-1])
        layout = self._tables.layout(str(field.target))
        target = self._alias(layout.table)
        own = [alias.c[leaf.name] for leaf in owner.leaves[field.name]]
        self.source = self.source.outerjoin(target, same(own, [target.c[leaf.name] for leaf in layout.key]))
        self.aliases.append(target)
        self._nodes[path] = layout, target
        return layout, target

    def members(self, path: Path) -> tuple[Scope, sa.ColumnElement[bool]]:
        """A scope over the records of the Many at the path, and what makes them those of this scope's record."""
        owner, alias = self.record(path[:-1])
        field = owner.schema.field(path[-1])
        own = [alias.c[leaf.name] for leaf in owner.key]
        link = owner.links.get(field.name)
        if link is not None and not self._tables.knows(str(field.target)):
            return self._keys_alone(link, own)
        inner = Scope(self._tables, str(field.target), self._counter)
        layout = self._tables.layout(str(field.target))
        if link is None:
            return inner, same([inner.root.c[leaf.name] for leaf in layout.leaves[str(field.back)]], own)
        rows = self._alias(link.table)
        keys = [inner.root.c[leaf.name] for leaf in layout.key]
        inner.aliases.append(rows)
        inner.source = rows.join(inner.root, same([rows.c[leaf.name] for leaf in link.target], keys))
        return inner, same([rows.c[leaf.name] for leaf in link.owner], own)

    def _keys_alone(self, link: Link, own: Sequence[Element]) -> tuple[Scope, sa.ColumnElement[bool]]:
        """The records of a Many that are kept elsewhere, as the columns of the link table that hold their keys."""
        inner = Scope.__new__(Scope)
        inner._tables, inner._counter = self._tables, self._counter
        inner.root = inner.source = self._alias(link.table)
        inner.aliases = [inner.root]
        inner._nodes = {(): (link.keys(), inner.root)}
        return inner, same([inner.root.c[leaf.name] for leaf in link.owner], own)

    def links(self, name: str) -> tuple[Link, sa.FromClause, sa.ColumnElement[bool]]:
        """The link table of a Many of this scope's record, under an alias, and what makes its rows this record's."""
        layout, alias = self.record(())
        link = layout.links[name]
        rows = self._alias(link.table)
        own = [alias.c[leaf.name] for leaf in layout.key]
        return link, rows, same([rows.c[leaf.name] for leaf in link.owner], own)

    def _alias(self, table: sa.Table) -> sa.FromClause:
        self._counter[0] += 1
        return table.alias(f"t{self._counter[0]}")


def same(left: Sequence[Element], right: Sequence[Element]) -> sa.ColumnElement[bool]:
    """That these columns equal those, pair by pair."""
    return sa.and_(*(one == other for one, other in zip(left, right, strict=True)))
