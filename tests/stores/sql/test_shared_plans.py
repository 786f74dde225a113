"""Stores with the same tables share what is compiled, and no others do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from holdall.errors import Unsupported
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE
from holdall.stores.sql.tables import Tables

BOOK = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR)), ("id",))
WANTED: Any = Query("book", Compare(("title",), Op.EQ, "Emma"))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The collections of queries that are compiled, not remembered."""
    found: list[str] = []
    select = Compiler._select

    def noted(self: Compiler, query: Any, *args: Any, **options: Any) -> Any:
        found.append(query.collection)
        return select(self, query, *args, **options)

    monkeypatch.setattr(Compiler, "_select", noted)
    return found


def compiler(schemas: Sequence[Schema], limits: Any = "plans of this test", dialect: Any = SQLITE) -> Compiler:
    tables = Tables(dialect)
    tables.bind(schemas)
    return Compiler(tables, limits=limits)


def test_the_second_store_compiles_nothing(built: list[str]) -> None:
    told = [compiler([BOOK], "one process").query(WANTED).sql for _ in range(3)]
    assert built == ["book"]
    assert len(set(told)) == 1


def test_other_tables_are_compiled_for(built: list[str]) -> None:
    wider = Schema("book", (*BOOK.fields, FieldSchema("pages", Kind.INT)), ("id",))
    elsewhere = Schema("book", BOOK.fields, ("id",), table="tome")
    texts = [compiler([schema]).query(WANTED).sql for schema in (BOOK, wider, elsewhere)]
    texts.append(compiler([BOOK], dialect=POSTGRESQL).query(WANTED).sql)
    assert len(set(texts)) == 4
    searched = Schema("book", BOOK.fields, ("id",), search=("title",))
    for _ in range(2):  # by what is found in the database
        compiler([searched]).query(WANTED)
    assert built == ["book"] * 6


def test_a_store_that_learns_more_is_no_longer_alike(built: list[str]) -> None:
    first, second = compiler([BOOK], "learning"), compiler([BOOK], "learning")
    first.query(WANTED)
    second._tables.bind([Schema("book", BOOK.fields, ("id",), table="tome")])
    assert "tome" in second.query(WANTED).sql
    assert "tome" not in first.query(WANTED).sql


def test_what_one_store_may_not_another_is_not_spared() -> None:
    """Demands are met by the first query of a shape, so that stores with others must not share."""

    def refuse(store: str, query: Any) -> None:
        raise Unsupported(store, "this")

    tables = Tables(SQLITE)
    tables.bind([BOOK])
    compiler([BOOK], "open").query(WANTED)
    with pytest.raises(Unsupported):
        Compiler(tables, partial(refuse, "closed"), limits="closed").query(WANTED)


def test_the_least_used_tables_are_forgotten(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdall.stores.sql._plans._MOST", 2)
    monkeypatch.setattr("holdall.stores.sql._plans._shared", {})
    for limits in ("a", "b", "a", "c", "a", "b"):
        compiler([BOOK], f"forgotten {limits}").query(WANTED)
    assert len(built) == 4
