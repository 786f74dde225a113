"""Bulk changes as statements: one UPDATE or DELETE of all rows that a condition finds, compiled once for each shape."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import sqlalchemy as sa

from holdall.errors import Reserved
from holdall.query import And, AnyQuery, Compare, Condition, Not, Or, Schema, Shape, Sizes, Value, paths_behind, split
from holdall.store import BulkChange, Computed, Held, Outcome, Verb, demand_at_most, demand_settable
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.comparisons import Comparisons
from holdall.stores.sql.compile import Compiler, Plan, Statement
from holdall.stores.sql.conditions import Conditions
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.joins import Scope
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.row_encoding import RowEncoding
from holdall.stores.sql.row_limits import limited
from holdall.stores.sql.sorting import order_by
from holdall.stores.sql.spelling_sql import CastType
from holdall.stores.sql.steps import Bulk, Step, Steps, Work
from holdall.stores.sql.tables import Tables

__all__ = ["BulkWork", "BulkWrites"]

Build: TypeAlias = Callable[[AnyQuery], Plan]
Keys: TypeAlias = sa.Select[tuple[object, ...]]


_TRUE = sa.text("1 = 1")  # so that a condition can be added to the text by AND


class BulkWork(Work):
    """One bulk change and how it is carried out; its one outcome has the number of records as its answer."""

    __slots__ = ("_bulk", "_store")

    def __init__(self, store: str, bulk: BulkChange, steps: Sequence[Step], schemas: Mapping[str, Schema]) -> None:
        super().__init__(lambda _: self._changed(steps), (), schemas)
        self._store = store
        self._bulk = bulk

    def demand_unreserved(self, store: str, held: Collection[Held], outcomes: Sequence[Outcome] | None = None) -> None:
        """Raise Reserved where another commit holds anything there: it is not known which rows are meant."""
        name = self._bulk.query.collection
        met = [item for item in held if item.footprint is None or name in item.footprint.collections]
        if met:
            raise Reserved(store, [item.reservation for item in met], name)

    def _changed(self, steps: Sequence[Step]) -> Steps:
        number = 0
        for step in steps:
            number = yield step
        demand_at_most(self._bulk, number)
        return [Outcome(answer=number)]


class BulkWrites:
    """Plans the bulk changes of one store."""

    def __init__(self, store: str, tables: Tables, compiler: Compiler) -> None:
        self._store = store
        self._tables = tables
        self._compiler = compiler
        self._encoding = RowEncoding(tables)
        self._generation = tables.generation

    def work(self, bulk: BulkChange) -> BulkWork:
        """The work of a bulk change. Raises what a query raises, and StoreError for what cannot be changed so."""
        if self._generation != self._tables.generation:
            self._encoding.clear()
            self._generation = self._tables.generation
        layout = self._tables.layout(bulk.query.collection)
        schema, encoded = layout.schema, list[Value]()
        fields = tuple([schema.field(name) for name in bulk.fields])
        demand_settable(self._store, schema, bulk.fields)
        given = [not isinstance(value, Computed) for value in bulk.values]
        if any(given):
            plain = tuple(itertools.compress(fields, given))
            encoded = list(self._encoding.rows(layout, plain, [tuple(itertools.compress(bulk.values, given))])[0])
        steps = list[Step]()
        if bulk.verb is Verb.REMOVE:
            for link in layout.links.values():
                build = partial(self._unlinked, layout=layout, link=link)
                steps.append(_step(layout, self._statement(bulk, ("unlink", link.field.name), [], build)))
        build = partial(self._changed, bulk=bulk, layout=layout)
        steps.append(_step(layout, self._statement(bulk, (bulk.verb.value, *_way(bulk)), encoded, build)))
        return BulkWork(self._store, bulk, steps, self._tables.schemas)

    def _statement(self, bulk: BulkChange, way: tuple[Hashable, ...], encoded: list[Value], build: Build) -> Statement:
        def walk(query: AnyQuery, sizes: Sizes) -> tuple[Shape, list[Value]]:
            shape, values = split(query, sizes)
            return ("bulk", way, shape), [*values, *encoded]

        return self._compiler.compiled(bulk.query, walk, build)

    def _changed(self, query: AnyQuery, bulk: BulkChange, layout: Layout) -> Plan:
        binding, table = Binding(), layout.table
        found = self._found(query, layout, binding, [table.c[leaf.name] for leaf in layout.key])
        if bulk.verb is Verb.REMOVE:
            return self._compiler.plan(sa.delete(table).where(_TRUE, *found), binding, None)
        values: dict[str, Element] = {}
        own = Scope(self._tables, query.collection, [0], is_aliased=False)
        for name, value in zip(bulk.fields, bulk.values, strict=True):
            if isinstance(value, Computed):
                values[layout.columns(name)[0]] = own.operand(value.path).columns[0]
                continue
            for column in layout.columns(name):
                values[column] = _sent(binding, table.c[column].type)
        if layout.version is not None:
            values[layout.version] = table.c[layout.version] + sa.literal_column("1")
        if not values:  # then the rows are only counted, as they would be changed
            first = layout.key[0].name
            values[first] = table.c[first]
        return self._compiler.plan(sa.update(table).where(_TRUE, *found).values(values), binding, None)

    def _unlinked(self, query: AnyQuery, layout: Layout, link: Link) -> Plan:
        """The removal of the rows of a link table that belong to what is removed."""
        binding = Binding()
        owners = [link.table.c[leaf.name] for leaf in link.owner]
        picked = self._picked(query, layout, binding)
        return self._compiler.plan(sa.delete(link.table).where(_TRUE, _among(owners, picked)), binding, None)

    def _found(
        self, query: AnyQuery, layout: Layout, binding: Binding, key: list[Element]
    ) -> list[sa.ColumnElement[bool]]:
        """Conditions that find the rows: the query's own where it looks at nothing else, else their keys."""
        if query.max_rows is not None or query.skip or not _is_own(query.condition):
            return [_among(key, self._picked(query, layout, binding))]
        if query.condition == And(()):
            return []
        scope = Scope(self._tables, query.collection, [0], is_aliased=False)
        return [Conditions(Comparisons(self._compiler.dialect, binding), binding).compile(query.condition, scope)]

    def _picked(self, query: AnyQuery, layout: Layout, binding: Binding) -> Keys:
        """The keys of the rows, by a table of its own, which MySQL and MariaDB must not merge with the changed one."""
        dialect = self._compiler.dialect
        scope = Scope(self._tables, query.collection, [0])
        conditions = Conditions(Comparisons(dialect, binding), binding)
        where = [conditions.compile(query.condition, scope)] if query.condition != And(()) else []
        keys = [scope.root.c[leaf.name].label(f"k{place}") for place, leaf in enumerate(layout.key)]
        is_cut = query.max_rows is not None or query.skip > 0
        order = order_by(query, scope, dialect) if is_cut else []
        select = sa.select(*keys).select_from(scope.source).where(*where)
        if is_cut:
            select = limited(select.order_by(*order), query, binding, dialect)
        elif dialect.family == "mysql":
            select = select.distinct()
        picked = select.subquery("picked")
        return sa.select(*[picked.c[f"k{place}"] for place in range(len(keys))])


def _way(bulk: BulkChange) -> list[Hashable]:
    """The fields that a bulk change sets, with the formulas of those that are computed."""
    pairs = zip(bulk.fields, bulk.values, strict=True)
    return [(name, value.path) if isinstance(value, Computed) else name for name, value in pairs]


def _step(layout: Layout, statement: Statement) -> Bulk:
    return Bulk(layout.schema.name, layout.table, (), (), [], [], statement=statement)


def _sent(binding: Binding, kind: sa.types.TypeEngine[Value]) -> Element:
    """The next value, for a column of this type."""
    if isinstance(kind, CastType):
        return sa.cast(binding.parameter(binding.take(), kind.carrier), kind)
    return binding.parameter(binding.take(), sa.types.NullType())


def _among(columns: Sequence[Element], picked: Keys) -> sa.ColumnElement[bool]:
    return columns[0].in_(picked) if len(columns) == 1 else sa.tuple_(*columns).in_(picked)


def _is_own(node: Condition) -> bool:
    """Whether a condition looks at the fields of the collection alone."""
    match node:
        case Compare(path):
            return all(len(each) == 1 for each in paths_behind(path))
        case And(items) | Or(items):
            return all(map(_is_own, items))
        case Not(item):
            return _is_own(item)
    return False
