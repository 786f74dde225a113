"""The tables of the bound collections, as SQLAlchemy metadata ready for Alembic, and where each field lies in them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from threading import Lock
from typing import Any

import sqlalchemy as sa

from holdall.errors import CheckViolation, Conflict, DeclarationError, QueryError
from holdall.query import FieldSchema, Kind, LinkTable, ManyForm, Schema
from holdall.stores.sql.adopted_schema import adopted_schema
from holdall.stores.sql.bound_schema import demand_keys, distinguish_indexes
from holdall.stores.sql.columns import (
    Leaf,
    column_type,
    identifier,
    leaves_by_field,
    link_leaves,
    table_name,
    text_widths,
)
from holdall.stores.sql.constraint_names import ConstraintNames
from holdall.stores.sql.declared_names import demand_names
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.formula_search import add_search_column
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.layout import LINK, Layout, Link, Rule
from holdall.stores.sql.named_choices import stored_as
from holdall.stores.sql.spelling_sql import kept_type
from holdall.stores.sql.sqlite_definition import columns_in
from holdall.stores.sql.table_options import index_counted, table_options

__all__ = ["OF_OTHERS", "Tables"]

OF_OTHERS = "holdall: of others"
"""In the ``info`` of a table that is only read: it is neither made nor dropped here."""


class Tables:
    """The tables of a store; metadata is built when first asked for after a binding. Example: :func:`open_sql`."""

    def __init__(self, dialect: Dialect, namespace: str | None = None) -> None:
        self.dialect = dialect
        self._namespaces = set() if namespace is None else {namespace}
        self.generation = 0
        self._schemas: dict[str, Schema] = {}
        self._found: Mapping[str, FoundTable] = {}
        self._metadata: sa.MetaData | None = None
        self._layouts: dict[str, Layout] = {}
        self._names = ConstraintNames()
        self._lock = Lock()

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections, in place of earlier ones of the same name. Raises DeclarationError for odd ones."""
        for schema in schemas:
            demand_keys(schema)
            demand_names(schema, self.dialect.family)
            if schema.namespace is not None and self.dialect.family == "sqlite":
                raise DeclarationError(f"{schema.name}: SQLite has no schemas; leave schema={schema.namespace!r} out")
            self._schemas[schema.name] = schema
        self._metadata = None
        self.generation += 1

    def learn(self, found: Mapping[str, FoundTable]) -> None:
        """Keep values from now on as the columns of these tables keep them."""
        before, is_other = self.signature(), found != self._found
        self._found = found
        if before != (after := self.signature()) or (after is None and is_other):
            self._metadata = None
            self.generation += 1

    def found(self, table: sa.Table) -> FoundTable | None:
        """The table as it was found."""
        return self._found.get(table.key)

    def _adopted(self, schema: Schema) -> Schema:
        return adopted_schema(schema, self._schemas, self._found, self.dialect)

    def signature(self) -> Hashable:
        """Return what decides the text of statements: equal for stores with the same tables; None where more does."""
        adopted = tuple(map(self._adopted, self._schemas.values()))
        is_searched = any(schema.search for schema in adopted)  # by a column that is there or not
        return None if is_searched else (self.dialect, frozenset(self._namespaces), adopted)

    @property
    def schemas(self) -> dict[str, Schema]:
        """The bound collections by name."""
        return self._schemas

    @property
    def namespaces(self) -> list[str]:
        """The database's schemas that are looked at, in order, beside what is found without naming one."""
        return sorted(self._namespaces.union(schema.namespace for schema in self._schemas.values() if schema.namespace))

    @property
    def metadata(self) -> sa.MetaData:
        """All tables, with their constraints and indexes."""
        return self._metadata or self._build()

    def layout(self, collection: str) -> Layout:
        """Where the collection's fields lie; raises QueryError for a collection that is not bound."""
        if self._metadata is None:
            self._build()
        try:
            return self._layouts[collection]
        except KeyError:
            raise QueryError(f"no collection {collection!r} is bound to this store") from None

    def knows(self, collection: str) -> bool:
        """Whether the collection is bound to this store."""
        return collection in self._schemas

    def rule(self, constraint: str, place: str | None = None) -> Rule | None:
        """Return the rule of the constraint with this name; others may have used the name once in each table.

        ``place`` is the table's name with that of its schema.
        """
        if self._metadata is None:
            return None
        return self._names.rule(constraint) or self._rule_of_others(constraint, place)

    def _rule_of_others(self, constraint: str, place: str | None) -> Rule | None:
        """Return the rule of a constraint that others made and named."""
        for layout in self._layouts.values():
            there = self._found.get(layout.table.key)
            columns = there.constraints.get(constraint) if there is not None and place in (None, there.place) else None
            if columns is not None:
                fields = tuple([name for name in layout.leaves if set(layout.columns(name)) <= set(columns)])
                known = self.rule_of_columns(layout.table.key, columns)
                if known is not None or not fields:
                    return known
                is_reference = any(names == columns for names, _ in there.references) if there is not None else False
                return Rule("reference" if is_reference else "unique", layout.schema.name, fields)
        return None

    def check(self, store: str, collection: str, table: sa.Table, constraint: str, position: int | None) -> Conflict:
        """The error for a broken CHECK: by its name, by that of the only column it is of, or by its text."""
        there = self._found.get(table.key)
        columns = () if there is None else there.checks.get(constraint) or columns_in(constraint, there.columns)
        layout = self._layouts.get(collection)
        fields = () if layout is None else [name for name in layout.leaves if set(layout.columns(name)) & set(columns)]
        return CheckViolation(store, collection, constraint, fields, position)

    def rule_of_columns(self, table: str, columns: Sequence[str]) -> Rule | None:
        """The key or unique rule over just these columns of a table."""
        wanted = set(columns)
        for layout in self._layouts.values():
            if layout.table.key != table:
                continue
            for constraint in layout.table.constraints:
                is_key = isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
                if is_key and {column.name for column in constraint.columns} == wanted:  # type: ignore[attr-defined]
                    return self._names.rule(str(constraint.name))
        return None

    def _build(self) -> sa.MetaData:
        with self._lock:  # a store may be asked by several event loops, each in its thread
            if self._metadata is None:
                metadata = sa.MetaData()
                self._layouts, self._names = {}, ConstraintNames()
                for schema in self._schemas.values():
                    self._layouts[schema.name] = self._main_table(self._adopted(schema), metadata)
                for layout in self._layouts.values():
                    self._references(layout)
                    for many in layout.schema.stored:
                        if many.kind is Kind.MANY:
                            layout.links[many.name] = self._link_table(layout, many, metadata)
                distinguish_indexes(metadata)
                self._metadata = metadata
            return self._metadata

    def _main_table(self, schema: Schema, metadata: sa.MetaData) -> Layout:
        by_field = leaves_by_field(schema)
        key = tuple(leaf for name in schema.key for leaf in by_field[name])
        generated = by_field[schema.counted][0].name if schema.counted is not None else None
        widths = text_widths(schema, by_field)
        columns = [
            sa.Column(
                leaf.name,
                kept_type(leaf.field, self.dialect)
                or column_type(stored_as(leaf.field), self.dialect, widths.get(leaf.name, 0)),
                *((sa.Identity(),) if leaf.name == generated and self.dialect.family == "postgresql" else ()),
                nullable=leaf.field.nullable,
                autoincrement=leaf.name == generated,
                quote=True,
            )
            for found in by_field.values()
            for leaf in found
        ]
        name = self._free_name(table_name(schema), schema.namespace, metadata)
        options = table_options(self.dialect, generated)
        table = sa.Table(name, metadata, *columns, quote=True, schema=schema.namespace, **options)
        if schema.is_read_only:  # nothing of it is made here
            table.info[OF_OTHERS] = True
        else:
            label = self._key_name(name, schema, "key", schema.key)
            table.append_constraint(sa.PrimaryKeyConstraint(*(leaf.name for leaf in key), name=label))
            self._uniques_and_indexes(schema, table, by_field)
            index_counted(table, key[0].name, generated, self.dialect.family)
        version = by_field[schema.version][0].name if schema.version else None
        return Layout(schema, table, by_field, key, version, generated)

    def _uniques_and_indexes(self, schema: Schema, table: sa.Table, by_field: dict[str, tuple[Leaf, ...]]) -> None:
        covered: set[tuple[str, ...]] = {schema.key} if len(schema.key) == 1 else set()
        for names in dict.fromkeys(schema.unique):
            covered.add(names)
            columns = [leaf.name for name in names for leaf in by_field[name]]
            label = self._names.give("uq", table.name, schema, "unique", names)
            table.append_constraint(sa.UniqueConstraint(*columns, name=label))
        refs = [(field.name,) for field in schema.stored if field.kind is Kind.REF]
        for names in dict.fromkeys((*schema.indexes, *refs)):
            if names not in covered:
                columns = [leaf.name for name in names for leaf in by_field[name]]
                label = identifier("_".join(("ix", table.name, *names)))
                sa.Index(label, *(self._indexed(table.c[column]) for column in columns))
        add_search_column(table, [by_field[name][0] for name in schema.search], self.dialect)

    def _indexed(self, column: sa.Column[Any]) -> Element:
        # so that the index serves our order, where a missing value is the smallest, forwards and backwards
        return column.nulls_first() if column.nullable and self.dialect.family == "postgresql" else column

    def _references(self, layout: Layout) -> None:
        for field in layout.schema.stored:
            target = self._layouts.get(field.target or "")
            is_kept = target is not None and not (layout.schema.is_read_only or target.schema.is_read_only)
            if field.kind is Kind.REF and target is not None and is_kept:
                self._foreign_key(layout.table, layout.schema, field.name, layout.leaves[field.name], target)

    def _link_table(self, layout: Layout, many: FieldSchema, metadata: sa.MetaData) -> Link:
        schema = layout.schema
        declared_link = many.link or LinkTable(identifier(f"{schema.name}_{many.name}"))
        owner, target = link_leaves(schema, many, declared_link)
        width = sum(leaf.kind is Kind.STR for leaf in (*owner, *target))
        columns = [
            sa.Column(
                leaf.name,
                kept_type(leaf.field, self.dialect) or column_type(stored_as(leaf.field), self.dialect, width or 1),
                nullable=False,
                autoincrement=False,
                quote=True,
            )
            for leaf in (*owner, *target)
        ]
        position = declared_link.position or "position" if many.form is ManyForm.LIST else None
        if position:
            columns.append(sa.Column(position, sa.Integer(), nullable=False, autoincrement=False))
        name = self._free_name(declared_link.table, schema.namespace, metadata)
        options = table_options(self.dialect, None)
        table = sa.Table(name, metadata, *columns, quote=True, schema=schema.namespace, **options)
        table.info[LINK] = True
        if schema.is_read_only:
            table.info[OF_OTHERS] = True
            return Link(many, table, owner, target, position)
        label = self._key_name(name, schema, "unique", (many.name,))
        table.append_constraint(sa.PrimaryKeyConstraint(*(leaf.name for leaf in (*owner, *target)), name=label))
        sa.Index(identifier(f"ix_{name}_target"), *(table.c[leaf.name] for leaf in target))
        label = self._names.give("fk", name, schema, "reference", (many.name, "owner"), (many.name,))
        table.append_constraint(
            sa.ForeignKeyConstraint(
                [table.c[leaf.name] for leaf in owner],
                [layout.table.c[leaf.name] for leaf in layout.key],
                name=label,
                ondelete="CASCADE",
                **self._deferred(),
            )
        )
        bound = self._layouts.get(many.target or "")
        if bound is not None and not bound.schema.is_read_only:
            self._foreign_key(table, schema, many.name, target, bound)
        return Link(many, table, owner, target, position)

    def _foreign_key(
        self, table: sa.Table, schema: Schema, name: str, columns: tuple[Leaf, ...], target: Layout
    ) -> None:
        if len(columns) != len(target.key):
            raise DeclarationError(f"{schema.name}.{name} does not fit the key of {target.schema.name}")
        label = self._names.give("fk", table.name, schema, "reference", (name,))
        table.append_constraint(
            sa.ForeignKeyConstraint(
                [table.c[leaf.name] for leaf in columns],
                [target.table.c[leaf.name] for leaf in target.key],
                name=label,
                **self._deferred(),
            )
        )

    def _deferred(self) -> dict[str, Any]:
        return {"deferrable": True, "initially": "DEFERRED"} if self.dialect.has_deferrable else {}

    def _key_name(self, table: str, schema: Schema, kind: str, names: tuple[str, ...]) -> str | None:
        # MariaDB calls every one PRIMARY and warns of another name
        return None if self.dialect.family == "mysql" else self._names.give("pk", table, schema, kind, names)

    def _free_name(self, name: str, namespace: str | None, metadata: sa.MetaData) -> str:
        wanted = ".".join(filter(None, (namespace, name)))
        if wanted.casefold() in {taken.casefold() for taken in metadata.tables}:
            raise DeclarationError(f"two tables would be called {name!r}: rename a collection or a stored Many")
        return name
