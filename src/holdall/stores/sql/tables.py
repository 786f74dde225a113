"""The tables of the bound collections, as SQLAlchemy metadata ready for Alembic, and where each field lies in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from holdall.errors import DeclarationError, QueryError
from holdall.query import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.stores.sql.adopted_schema import adopted_schema
from holdall.stores.sql.columns import Leaf, column_type, digest, distinct, identifier, leaves, leaves_by_field
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.keeping import declared
from holdall.stores.sql.layout import Layout, Link, Rule

__all__ = ["Tables"]


class Tables:
    """The tables of a store; metadata is built when first asked for after a binding. Example: :func:`open_sql`."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.generation = 0
        self._schemas: dict[str, Schema] = {}
        self._found: Mapping[str, FoundTable] = {}
        self._metadata: sa.MetaData | None = None
        self._layouts: dict[str, Layout] = {}
        self._rules: dict[str, Rule] = {}
        self._lock = Lock()

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections, in place of earlier ones of the same name. Raises DeclarationError for odd ones."""
        for schema in schemas:
            _demand_keys(schema)
            self._schemas[schema.name] = schema
        self._metadata = None
        self.generation += 1

    def learn(self, found: Mapping[str, FoundTable]) -> None:
        """Keep values from now on as the columns of these tables keep them."""
        before = [self._adopted(schema) for schema in self._schemas.values()]
        self._found = found
        if before != [self._adopted(schema) for schema in self._schemas.values()]:
            self._metadata = None
            self.generation += 1

    def _adopted(self, schema: Schema) -> Schema:
        return adopted_schema(schema, self._schemas, self._found, self.dialect)

    @property
    def schemas(self) -> dict[str, Schema]:
        """The bound collections by name."""
        return self._schemas

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

    def rule(self, constraint: str, table: str | None = None) -> Rule | None:
        """Return the rule of the constraint with this name; others may have used the name once in each table."""
        if self._metadata is None:
            return None
        return self._rules.get(constraint) or self._rule_of_others(constraint, table)

    def _rule_of_others(self, constraint: str, table: str | None) -> Rule | None:
        """Return the rule of a constraint that others made and named."""
        for layout in self._layouts.values():
            there = self._found.get(layout.table.name) if table in (None, layout.table.name) else None
            columns = there.constraints.get(constraint) if there is not None else None
            if columns is not None:
                fields = tuple([name for name in layout.leaves if set(layout.columns(name)) <= set(columns)])
                known = self.rule_of_columns(layout.table.name, columns)
                if known is not None or not fields:
                    return known
                is_reference = any(names == columns for names, _ in there.references) if there is not None else False
                return Rule("reference" if is_reference else "unique", layout.schema.name, fields)
        return None

    def rule_of_columns(self, table: str, columns: Sequence[str]) -> Rule | None:
        """The key or unique rule over just these columns of a table."""
        wanted = set(columns)
        for layout in self._layouts.values():
            if layout.table.name != table:
                continue
            for constraint in layout.table.constraints:
                is_key = isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
                if is_key and {column.name for column in constraint.columns} == wanted:  # type: ignore[attr-defined]
                    return self._rules.get(str(constraint.name))
        return None

    def _build(self) -> sa.MetaData:
        with self._lock:  # a store may be asked by several event loops, each in its thread
            if self._metadata is None:
                metadata = sa.MetaData()
                self._layouts, self._rules = {}, {}
                for schema in self._schemas.values():
                    self._layouts[schema.name] = self._main_table(self._adopted(schema), metadata)
                for layout in self._layouts.values():
                    self._references(layout)
                    for many in layout.schema.stored:
                        if many.kind is Kind.MANY:
                            layout.links[many.name] = self._link_table(layout, many, metadata)
                _distinguish_indexes(metadata)
                self._metadata = metadata
            return self._metadata

    def _main_table(self, schema: Schema, metadata: sa.MetaData) -> Layout:
        by_field = leaves_by_field(schema)
        key = tuple(leaf for name in schema.key for leaf in by_field[name])
        generated = key[0].name if any(field.generated is Generated.STORE for field in schema.fields) else None
        widths = self._text_widths(schema, by_field)
        columns = [
            sa.Column(
                leaf.name,
                column_type(declared(leaf.field), self.dialect, widths.get(leaf.name, 0)),
                *((sa.Identity(),) if leaf.name == generated and self.dialect.family == "postgresql" else ()),
                nullable=leaf.field.nullable,
                autoincrement=leaf.name == generated,
                quote=True,
            )
            for found in by_field.values()
            for leaf in found
        ]
        name = self._table_name(schema.name, metadata)
        table = sa.Table(name, metadata, *columns, quote=True, **self._table_options(generated))
        label = self._key_name(name, schema, "key", schema.key)
        table.append_constraint(sa.PrimaryKeyConstraint(*(leaf.name for leaf in key), name=label))
        self._uniques_and_indexes(schema, table, by_field)
        version = by_field[schema.version][0].name if schema.version else None
        return Layout(schema, table, by_field, key, version, generated)

    def _uniques_and_indexes(self, schema: Schema, table: sa.Table, by_field: dict[str, tuple[Leaf, ...]]) -> None:
        covered: set[tuple[str, ...]] = {schema.key} if len(schema.key) == 1 else set()
        for names in dict.fromkeys(schema.unique):
            covered.add(names)
            columns = [leaf.name for name in names for leaf in by_field[name]]
            label = self._named("uq", table.name, schema, "unique", names)
            table.append_constraint(sa.UniqueConstraint(*columns, name=label))
        refs = [(field.name,) for field in schema.stored if field.kind is Kind.REF]
        for names in dict.fromkeys((*schema.indexes, *refs)):
            if names not in covered:
                columns = [leaf.name for name in names for leaf in by_field[name]]
                label = identifier("_".join(("ix", table.name, *names)))
                sa.Index(label, *(self._indexed(table.c[column]) for column in columns))

    def _indexed(self, column: sa.Column[Any]) -> Element:
        # so that the index serves our order, where a missing value is the smallest, forwards and backwards
        return column.nulls_first() if column.nullable and self.dialect.family == "postgresql" else column

    def _references(self, layout: Layout) -> None:
        for field in layout.schema.stored:
            target = self._layouts.get(field.target or "")
            if field.kind is Kind.REF and target is not None:
                self._foreign_key(layout.table, layout.schema, field.name, layout.leaves[field.name], target)

    def _link_table(self, layout: Layout, many: FieldSchema, metadata: sa.MetaData) -> Link:
        schema = layout.schema
        parts = distinct(
            {f"owner_{n}": leaves(schema.by_name[n], f"owner_{n}") for n in schema.key} | {"": leaves(many, "target")}
        )
        target, owner = parts.pop(""), tuple(leaf for found in parts.values() for leaf in found)
        width = sum(leaf.kind is Kind.STR for leaf in (*owner, *target))
        columns = [
            sa.Column(
                leaf.name,
                column_type(declared(leaf.field), self.dialect, width or 1),
                nullable=False,
                autoincrement=False,
                quote=True,
            )
            for leaf in (*owner, *target)
        ]
        position = "position" if many.form is ManyForm.LIST else None
        if position:
            columns.append(sa.Column(position, sa.Integer(), nullable=False, autoincrement=False))
        name = self._table_name(f"{schema.name}_{many.name}", metadata)
        table = sa.Table(name, metadata, *columns, quote=True, **self._table_options(None))
        label = self._key_name(name, schema, "unique", (many.name,))
        table.append_constraint(sa.PrimaryKeyConstraint(*(leaf.name for leaf in (*owner, *target)), name=label))
        sa.Index(identifier(f"ix_{name}_target"), *(table.c[leaf.name] for leaf in target))
        label = self._named("fk", name, schema, "reference", (many.name, "owner"), (many.name,))
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
        if bound is not None:
            self._foreign_key(table, schema, many.name, target, bound)
        return Link(many, table, owner, target, position)

    def _foreign_key(
        self, table: sa.Table, schema: Schema, name: str, columns: tuple[Leaf, ...], target: Layout
    ) -> None:
        if len(columns) != len(target.key):
            raise DeclarationError(f"{schema.name}.{name} does not fit the key of {target.schema.name}")
        label = self._named("fk", table.name, schema, "reference", (name,))
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

    def _table_options(self, generated: str | None) -> dict[str, Any]:
        if self.dialect.family == "mysql":
            options = {"engine": "InnoDB", "default_charset": "utf8mb4", "collate": self.dialect.exact_collation}
            prefix = "mariadb" if self.dialect.sqlalchemy.name == "mariadb" else "mysql"
            return {f"{prefix}_{key}": value for key, value in options.items()}
        return {"sqlite_autoincrement": True} if generated and self.dialect.family == "sqlite" else {}

    def _key_name(self, table: str, schema: Schema, kind: str, names: tuple[str, ...]) -> str | None:
        # MariaDB calls every one PRIMARY and warns of another name
        return None if self.dialect.family == "mysql" else self._named("pk", table, schema, kind, names)

    def _named(
        self,
        prefix: str,
        table: str,
        schema: Schema,
        kind: str,
        names: tuple[str, ...],
        fields: tuple[str, ...] | None = None,
    ) -> str:
        parts = (prefix, table) if prefix == "pk" else (prefix, table, *names)
        name = identifier("_".join(parts))
        while name in self._rules:
            name = identifier(name + "_2")
        self._rules[name] = Rule(kind, schema.name, names if fields is None else fields)
        return name

    def _table_name(self, name: str, metadata: sa.MetaData) -> str:
        name = identifier(name)
        if name.casefold() in {taken.casefold() for taken in metadata.tables}:
            raise DeclarationError(f"two tables would be called {name!r}: rename a collection or a stored Many")
        return name

    def _text_widths(self, schema: Schema, by_field: dict[str, tuple[Leaf, ...]]) -> dict[str, int]:
        refs = [(field.name,) for field in schema.stored if field.kind is Kind.REF]
        widths: dict[str, int] = {}
        for names in (schema.key, *schema.unique, *schema.indexes, *refs):
            found = [leaf for name in names for leaf in by_field[name]]
            width = sum(leaf.kind is Kind.STR for leaf in found) or 1
            for leaf in found:
                widths[leaf.name] = max(width, widths.get(leaf.name, 0))
        return widths


def _distinguish_indexes(metadata: sa.MetaData) -> None:
    """Give indexes of one name different ones: ``ix_a_b_c`` is over ``b_c`` of ``a`` and over ``c`` of ``a_b``."""
    by_name: dict[str, list[tuple[sa.Table, sa.Index]]] = {}
    for table in metadata.tables.values():
        for index in table.indexes:
            by_name.setdefault(str(index.name), []).append((table, index))
    for name, indexes in by_name.items():
        for table, index in indexes if len(indexes) > 1 else ():
            places = ",".join([table.name, *(column.name for column in index.columns)])
            index.name = quoted_name(identifier(f"{name}_{digest(places)}"), None)


def _demand_keys(schema: Schema) -> None:
    for names in (schema.key, *schema.unique, *schema.indexes):
        for name in names:
            field = schema.field(name)
            if field.kind in (Kind.JSON, Kind.MANY):
                raise DeclarationError(
                    f"{schema.name}.{name} is {field.kind}: no key, unique rule or index can have it"
                )
    counted = [field for field in schema.fields if field.generated is Generated.STORE]
    if counted and (schema.key != (counted[0].name,) or len(counted) > 1 or counted[0].kind is not Kind.INT):
        raise DeclarationError(f"{schema.name}: only an integer that is the whole key can be generated by an SQL store")
