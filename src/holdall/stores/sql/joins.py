"""Paths to columns: each reference on the way is one LEFT JOIN, shared by all paths that take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from holdall.query import Call, FieldSchema, Of, Path, is_formula
from holdall.stores.sql.columns import Leaf
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.formula_search import search_column
from holdall.stores.sql.formulas import Formulas, Found
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

    def __init__(self, tables: Tables, collection: str, counter: list[int], *, is_aliased: bool = True) -> None:
        self._tables = tables
        self._counter = counter
        layout = tables.layout(collection)
        self.root: sa.FromClause = self._alias(layout.table) if is_aliased else layout.table
        self._nodes: dict[Path, tuple[Layout, sa.FromClause]] = {(): (layout, self.root)}
        self.source: sa.FromClause = self.root
        self.aliases: list[sa.FromClause] = [self.root]
        self.outer: Scope | None = None  # that of the query around
        self._formulas: dict[Path, Operand] = {}

    def field(self, path: Path) -> FieldSchema:
        """The field that a path leads to, or what a formula gives."""
        if is_formula(path):
            return self.operand(path).field
        return self.record(path[:-1])[0].schema.field(path[-1])

    def operand(self, path: Path) -> Operand:
        """The columns of the field at the path, or the expression of a formula."""
        if is_formula(path):
            return self._computed(path)
        layout, alias = self.record(path[:-1])
        field = layout.schema.field(path[-1])
        found = layout.leaves[field.name]
        columns = tuple(alias.c[leaf.name] for leaf in found)
        return Operand(field, found, columns, field.nullable or len(path) > 1)

    def _computed(self, path: Path) -> Operand:
        known = self._formulas.get(path)
        if known is None:
            outer = None if self.outer is None else self.outer._found
            leaf, element = Formulas(self._tables.dialect, self._found, outer, self._words).compile(path)
            known = self._formulas[path] = Operand(leaf.field, (leaf,), (element,), leaf.field.nullable)
        return known

    def _words(self, search: Call) -> Element | None:
        """The column that keeps the words which are searched; None where they are not those of a record's search."""
        paths = [text.path if isinstance(text, Of) else () for text in search.arguments[1:]]
        way = paths[0][:-1]
        layout, alias = self.record(way)
        name = search_column(layout.table, self._tables.found(layout.table))
        if name is None or paths != [(*way, field) for field in layout.schema.search]:
            return None
        return sa.func.coalesce(alias.c[name], sa.cast(sa.literal_column("''"), TSVECTOR())) if way else alias.c[name]

    def _found(self, path: Path) -> Found:
        operand = self.operand(path)
        return Found(operand.columns[0], operand.field, operand.leaves[0].field)

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

    def within(self, collection: str) -> Scope:
        """A scope over another collection, for a query within this one's."""
        inner = Scope(self._tables, collection, self._counter)
        inner.outer = self
        return inner

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
        inner.outer, inner._formulas = None, {}
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
        return _named(table, self._counter[0])


_ALIASES = "holdall: aliases"
_MOST_ALIASES = 32


def _named(table: sa.Table, number: int) -> sa.FromClause:
    """The table under the name of this number, the same for all statements: its columns take long to make."""
    known: dict[int, tuple[sa.Table, sa.FromClause]] = table.info.setdefault(_ALIASES, {})
    found = known.get(number)
    if found is None or found[0] is not table:  # a copy of a table has what was kept with it
        found = table, table.alias(f"t{number}")
        if number <= _MOST_ALIASES:  # beyond, statements are rare
            known[number] = found
    return found[1]


def same(left: Sequence[Element], right: Sequence[Element]) -> sa.ColumnElement[bool]:
    """That these columns equal those, pair by pair."""
    return sa.and_(*(one == other for one, other in zip(left, right, strict=True)))
