from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import apsw

from holdall.query import FieldSchema, Kind, Schema
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.differences import differences
from holdall.stores.sql.functions import register
from holdall.stores.sql.inspection import FoundTable, inspect_catalogue
from holdall.stores.sql.provision import create_statements, drop_statements
from holdall.stores.sql.tables import Tables
from holdall.testing.conformance.world import SCHEMAS

Run = Callable[[str], Sequence[Sequence[Any]]]
ID = FieldSchema("id", Kind.INT)


def database(*statements: str) -> Run:
    connection = apsw.Connection(":memory:")
    register(connection)
    connection.pragma("foreign_keys", True)
    for statement in statements:
        connection.execute(statement)
    return lambda sql: list(connection.execute(sql))


def bound(*schemas: Schema) -> Tables:
    tables = Tables(SQLITE)
    tables.bind(schemas)
    return tables


def found(run: Run) -> dict[str, FoundTable]:
    reading = inspect_catalogue(SQLITE)
    statement = next(reading)
    while True:
        try:
            statement = reading.send(run(statement))
        except StopIteration as end:
            tables: dict[str, FoundTable] = end.value
            return tables


def test_what_was_created_fits_and_is_not_created_again() -> None:
    tables, run = bound(*SCHEMAS.values()), database()
    assert any("missing" in sentence for sentence in differences(tables, found(run)))
    for statement in create_statements(tables, found(run)):
        run(statement)
    assert differences(tables, found(run)) == []
    assert create_statements(tables, found(run)) == []


def test_what_is_there_stays_and_the_rest_is_added() -> None:
    tables, run = bound(*SCHEMAS.values()), database('CREATE TABLE "country" ("code" TEXT)')
    statements = create_statements(tables, found(run))
    assert not any('CREATE TABLE IF NOT EXISTS "country"' in statement for statement in statements)
    for statement in statements:
        run(statement)
    assert differences(tables, found(run)) == [
        "country has no column name",
        "country has no column population",
        "the key of table country is not the column code",
    ]


def test_every_difference_is_told() -> None:
    schema = Schema(
        "box",
        (
            ID,
            FieldSchema("name", Kind.STR),
            FieldSchema("size", Kind.INT, nullable=True),
            FieldSchema("code", Kind.STR, max_length=20),
            FieldSchema("owner", Kind.REF, target="owner", target_key=(ID,)),
        ),
        ("id",),
        unique=(("code",),),
    )
    run = database(
        "CREATE TABLE owner (id INTEGER PRIMARY KEY)",
        """CREATE TABLE box (id INTEGER PRIMARY KEY, name TEXT, size REAL NOT NULL, code VARCHAR(10) NOT NULL,
           owner INTEGER NOT NULL, extra TEXT NOT NULL, more TEXT NOT NULL DEFAULT '', "free" TEXT)""",
    )
    assert sorted(differences(bound(schema, Schema("owner", (ID,), ("id",))), found(run))) == [
        "box does not keep code unique",
        "box has no foreign key from owner to owner",
        "box.code holds 10 characters, the model allows 20",
        "box.extra is unknown to the model, and must have a value nobody would give it",
        "box.name allows missing values, the model does not",
        "box.size does not allow missing values, the model does",
        "box.size is real, int needs integer",
    ]


def test_tables_that_refer_to_each_other_can_be_created_and_dropped() -> None:
    left = Schema(
        "left", (ID, FieldSchema("other", Kind.REF, nullable=True, target="right", target_key=(ID,))), ("id",)
    )
    right = Schema(
        "right", (ID, FieldSchema("other", Kind.REF, nullable=True, target="left", target_key=(ID,))), ("id",)
    )
    tables, run = bound(left, right), database()
    for statement in create_statements(tables, {}):
        run(statement)
    assert differences(tables, found(run)) == []
    run('BEGIN; INSERT INTO "left" VALUES (1, 1); INSERT INTO "right" VALUES (1, 1); COMMIT')
    run("BEGIN")
    for statement in drop_statements(tables, found(run)):
        run(statement)
    run("COMMIT")
    assert found(run) == {}


def test_tables_that_create_made_are_known_for_ours() -> None:
    tables, run = bound(*SCHEMAS.values()), database("CREATE TABLE other (id integer primary key)")
    for statement in create_statements(tables, found(run)):
        run(statement)
    there = found(run)
    loose = {name for name, table in there.items() if any(column.is_loose for column in table.columns.values())}
    assert loose - {"sqlite_sequence"} == {"other"}
