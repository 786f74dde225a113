"""Sources of models for names and values of every kind: what others wrote becomes names and texts, never source."""

from __future__ import annotations

import ast
import sys
import types
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from holdall import Holdall
from holdall.cli import model_source
from holdall.cli.inspect import _alone
from holdall.cli.model_source import module_source
from holdall.cli.source_text import doors_of, literal, quoted, words_of
from holdall.query import FieldSchema, Kind, Op, Schema
from holdall.store import Described, Description
from holdall.stores.mongo.described_collections import Sampled, described_collection
from holdall.stores.rest import Call, Filters, LastRecord, RestCollection, Sorting

_NAMES = (
    "id", "_id2", "date", "datetime", "field", "back", "class", "Model", "self", "None", "import", "str", "list", "Any",
    "__v", "a b", "a-b", "A_B", "é", "日本", "1st", "objects", "where", "def", "json", "JSON", 'quote"s', "back\\slash",
    "new\nraise SystemExit(7)", "#hash", "uuid", "Decimal", "", "$x", "a.b", "x" * 130,
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    1, 2.5, "t", True, ObjectId(), datetime(2024, 1, 1, tzinfo=UTC), Decimal128("1"), [1], ["a", None], [{"a": 1}],
    {"a": 1}, b"x", None, [[1], [2.5]], [ObjectId()],
)  # fmt: skip
_COLLECTIONS = ("Model", "field", "app", "Holdall", "list", "class", "a-b", "a_b", "Any", "Ref", "fs.files", "日本")


def _source(seed: int) -> str:
    chance = Random(seed)
    described = []
    for name in chance.sample(_COLLECTIONS, 4):
        names = chance.sample(_NAMES, 6)
        documents = [{"_id": ObjectId(), **{each: chance.choice(_VALUES) for each in names}} for _ in range(2)]
        described.append(described_collection(Sampled(name, documents, [])))
    return module_source("mongodb://127.0.0.1/shop", _alone(Description(tuple(described))))


def _check(seed: int) -> None:
    source = _source(seed)
    module = types.ModuleType(f"found_{seed}")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, module.__name__, "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    assert isinstance(module.app, Holdall)
    assert {type(each) for each in ast.parse(source).body} <= {ast.ImportFrom, ast.ClassDef, ast.Assign, ast.Expr}


@pytest.mark.parametrize("seed", range(40))
def test_any_names_and_values_make_a_module_that_runs(seed: int) -> None:
    _check(seed)


def _noted() -> str:
    key = FieldSchema("id", Kind.INT, columns=("id",))
    found = Described(Schema("x", (key,), ("id",)), ("a\nimport os",), remarks={"id": "b\r\nimport os"})
    left_out = Described(Schema("y\nimport os", (), ()), ("c\nimport os",))
    return module_source("mongodb://h/x", Description((found, left_out)))


def test_a_note_never_becomes_source(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "import os" not in _noted().splitlines()
    monkeypatch.setattr(model_source, "comment", lambda text: f"# {text}")  # a planted fault
    assert "import os" in _noted().splitlines()


@pytest.mark.parametrize(
    "text", ['a"b', "it's", "both ' and \"", "\\", "\n\r\t\0", "é日本😀", "\u2028", "\ud800", '\\"', ""]
)
def test_a_text_is_written_as_itself(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert len(quoted(text).splitlines()) == 1


def test_a_field_called_as_a_type_does_not_hide_it() -> None:
    fields = (
        FieldSchema("id", Kind.INT, columns=("id",)),
        FieldSchema("str", Kind.INT, columns=("str",)),
        FieldSchema("tags", Kind.JSON, columns=("tags",)),
    )
    found = Described(Schema("x", fields, ("id",)), annotations={"tags": "list[str | None]"})
    assert '    str_: int = field(column="str")\n' in module_source("mongodb://h/x", Description((found,)))


def test_options_are_written_as_they_would_be_by_hand() -> None:
    collection = RestCollection(
        path="/books/{bookId}",
        add=None,
        update=Call(method="PUT", headers={"X-A": 'b"c'}),
        read_only=frozenset({"b", "a"}),
        order=("bookId",),
        paging=LastRecord(field="bookId"),
        filters=Filters(operators={Op.EQ: "{field}"}, fields={"bookId": frozenset({Op.EQ}), "a": None}),
        sort=Sorting(fields=frozenset({"bookId"})),
    ).renamed({"bookId": "book_id"})
    source = literal({"book": collection}, 4, 20)
    names = {
        name: getattr(__import__(module, fromlist=[name]), name) for name, module in doors_of([collection]).items()
    }
    assert eval(source, names) == {"book": collection}
    assert collection.path == "/books/{book_id}"
    assert set(doors_of([collection]).values()) == {"holdall.stores.rest", "holdall.query"}
    assert all(len(line) <= 120 for line in source.splitlines())
    assert words_of('a = "b"  # c\n') == {"a"}
