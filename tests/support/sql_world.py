"""The suite's collections in a bare SQLite connection: the compiling half without the store that runs it."""

from __future__ import annotations

from typing import Any

import apsw
import msgspec

from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.stores.sql.codec import row_encoder
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.functions import register
from holdall.stores.sql.layout import Layout, Link
from holdall.stores.sql.provision import create_statements
from holdall.stores.sql.tables import Tables
from holdall.testing.conformance.world import SCHEMAS, tables


class World:
    """A database in memory with every table of the suite, filled."""

    def __init__(self) -> None:
        self.tables = Tables(SQLITE)
        self.tables.bind(list(SCHEMAS.values()))
        self.compiler = Compiler(self.tables)
        self.connection = apsw.Connection(":memory:")
        register(self.connection)
        for statement in create_statements(self.tables, {}):
            self.connection.execute(statement)
        for name, table in tables().items():
            self._fill(self.tables.layout(name), table.schema, list(table.rows))

    def fetch(self, query: Query[Any]) -> list[tuple[Any, ...]]:
        """The query's rows."""
        statement = self.compiler.query(query)
        rows: list[tuple[Any, ...]] = list(self.connection.execute(statement.sql, statement.parameters))
        return rows if statement.decode is None else statement.decode(rows)

    def count(self, query: Query[Any]) -> int:
        """The query's count."""
        statement = self.compiler.count(query)
        return int(next(self.connection.execute(statement.sql, statement.parameters))[0])

    def plan(self, query: Query[Any]) -> str:
        """How SQLite would go about the query."""
        statement = self.compiler.query(query)
        rows = self.connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
        return "\n".join(str(row[3]) for row in rows)

    def _fill(self, layout: Layout, schema: Schema, rows: list[tuple[Any, ...]]) -> None:
        fields = [field for field in schema.stored if field.kind is not Kind.MANY]
        columns = [column for field in fields for column in layout.columns(field.name)]
        own = [tuple(row[schema.positions[field.name]] for field in fields) for row in rows]
        self._insert(layout.table.name, columns, fields, own)
        for name, link in layout.links.items():
            self._link(link, schema, [(schema.key_of(row), row[schema.positions[name]]) for row in rows])

    def _link(self, link: Link, schema: Schema, rows: list[tuple[Any, tuple[Any, ...]]]) -> None:
        fields = [
            *(schema.field(name) for name in schema.key),
            msgspec.structs.replace(link.field, kind=Kind.REF),
            *([FieldSchema("position", Kind.INT)] if link.position else []),
        ]
        columns = [leaf.name for leaf in (*link.owner, *link.target)] + ([link.position] if link.position else [])
        linked = [
            (*(key if isinstance(key, tuple) else (key,)), target, *([place] if link.position else []))
            for key, targets in rows
            for place, target in enumerate(targets)
        ]
        self._insert(link.table.name, columns, fields, linked)

    def _insert(self, table: str, columns: list[str], fields: list[FieldSchema], rows: list[tuple[Any, ...]]) -> None:
        encode = row_encoder(fields, SQLITE)
        named = ", ".join(f'"{column}"' for column in columns)
        sql = f'INSERT INTO "{table}" ({named}) VALUES ({", ".join("?" * len(columns))})'
        self.connection.executemany(sql, rows if encode is None else encode(rows))
