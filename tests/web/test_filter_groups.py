"""Groups of filters: ``or``, ``and`` and ``not`` mean what ``evaluate`` says, over one store and over two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall.query import And
from holdall.web import filter_groups
from tests.support.bookshop import AUTHORS, BOOKS, bookshop, filled
from tests.support.served import Served


@pytest.fixture(scope="module", params=["memory", "sqlite", "two stores"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("groups")
    database = f"sqlite:///{folder / 'books.db'}"
    app = {
        "memory": lambda: bookshop("memory:"),
        "sqlite": lambda: bookshop(database),
        "two stores": lambda: bookshop(database, countries="memory:"),
    }[request.param]()
    with Served(app) as service:
        yield filled(service)


def found(served: Served, query: str) -> list[int]:
    answer = served.get(f"/books?{query}")
    assert answer.status == 200, answer.body
    return [book["id"] for book in answer.json()["data"]]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("or=(id=1,pages__gte=400)", [1, 4, 5]),
        ("or=(id=1,pages__gte=400)&pages__lt=450", [1, 4]),
        ("or=(id=1,id=2)&or=(id=2,id=3)", [2]),
        ("or=(id=1)", [1]),
        ("and=(pages__gt=100,pages__lt=300)", [2]),
        ("not=(id=1)", [2, 3, 4, 5]),
        ("not=(pages__gt=100,pages__lt=300)", [1, 3, 4, 5]),
        ("or=(id=5,and=(author=1,not=(title=Alpha)))", [2, 5]),
        ("or=(id__in=(1,2),title=Gamma)", [1, 2, 3]),
        (r"or=(title=a\(b\)\,c,id=1)", [1, 5]),
        (r"or=(title__in=(Beta,a\(b\)\,c),id=1)", [1, 2, 5]),
        (r"or=(author.name=Bo\, Jr,id=1)", [1, 3, 4]),
        ("or=(author.country.name=France,author.country__isnull=true)", [1, 2, 5]),
        ("not=(author.country.name=France)", [3, 4, 5]),
        ("or=(sold_in=FR,id=2)", [1, 2, 4]),
        ("or=(price__isnull=true,price__gt=20)", [2, 5]),
        ("not=(price__gt=10)", [1, 2]),
    ],
)
def test_groups(served: Served, query: str, expected: list[int]) -> None:
    assert found(served, query) == expected


@pytest.mark.parametrize(
    "query, path, code",
    [
        ("or=id", "or", "syntax"),
        ("or=", "or", "syntax"),
        ("or=()", "or", "syntax"),
        ("or=(id)", "or", "syntax"),
        ("or=(id=1", "or", "syntax"),
        ("or=(id=1))", "or", "syntax"),
        ("or=(id=1),(id=2)", "or", "syntax"),
        ("or=(and=1,id=1)", "or", "syntax"),
        ("or=(id=1,nothing=2)", "or.nothing", "unknown"),
        ("or=(id=x)", "or.id", "value"),
        ("not=(pages__contains=1)", "not.pages__contains", "operator"),
        ("or=(page=1)", "or.page", "unknown"),
        ("or=(sort=id)", "or.sort", "unknown"),
        ("or=" + "(or=" * 9 + "(id=1)" + ")" * 9, "or", "syntax"),
        ("or=" + "(" * 3_000 + ")" * 3_000, "or", "syntax"),
    ],
)
def test_wrong_groups_are_refused(served: Served, query: str, path: str, code: str) -> None:
    answer = served.get(f"/books?{query}")
    assert answer.status == 422, answer.body
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [(path, code)]


def test_filters_in_groups_count(served: Served) -> None:
    many = ",".join(["id=1"] * 51)
    assert served.get(f"/books?or=({many})").json()["type"] == "urn:holdall:limit"


# --- made up ----------------------------------------------------------------------------------------------------------

Tree = Any
_COMPARED = ["", "__gt", "__lte", "__ne"]
_LEAVES = st.one_of(
    st.tuples(st.sampled_from(["id", "pages"]), st.sampled_from(_COMPARED), st.integers(0, 6)),
    st.tuples(st.just("title"), st.sampled_from(["", "__ne", "__contains"]), st.sampled_from([b[1] for b in BOOKS])),
    st.tuples(st.just("author.name"), st.sampled_from(["", "__ne"]), st.sampled_from([a[1] for a in AUTHORS])),
    st.tuples(st.just("author"), st.sampled_from(["", "__ne"]), st.integers(0, 4)),
    st.tuples(st.just("price"), st.just("__isnull"), st.booleans()),
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES, lambda inner: st.tuples(st.sampled_from(["or", "and", "not"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)  # fmt: skip


def _text(tree: Tree) -> str:
    if len(tree) == 2:
        return f"{tree[0]}=({','.join(map(_text, tree[1]))})"
    name, operator, value = tree
    value = value * 100 if name == "pages" else value
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    for sign in "\\,()":
        shown = shown.replace(sign, "\\" + sign)
    return f"{name}{operator}={shown}"


def _meant(tree: Tree, book: tuple[Any, ...]) -> bool:
    if len(tree) == 2:
        inner = [_meant(item, book) for item in tree[1]]
        return {"or": any(inner), "and": all(inner), "not": not all(inner)}[tree[0]]
    name, operator, value = tree
    has: Any = {
        "id": book[0],
        "title": book[1],
        "pages": book[2] // 100,
        "price": book[3],
        "author": book[4],
        "author.name": AUTHORS[book[4] - 1][1],
    }[name]
    if operator == "__isnull":
        return bool((has is None) == value)
    if operator == "__contains":
        return bool(value in has)
    if operator in ("", "__ne"):
        return bool((has == value) == (operator == ""))
    return bool(has > value if operator == "__gt" else has <= value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_TREES)
def test_made_up_groups_mean_what_they_say(served: Served, tree: Tree) -> None:
    expected = [book[0] for book in BOOKS if _meant(tree, book)]
    assert found(served, quote(_text(("and", [tree])), safe="=")) == expected


def test_a_planted_reading_of_or_as_and_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_groups, "Or", And)
    with Served(bookshop("memory:")) as service:
        assert found(filled(service), "or=(id=1,id=2)") != [1, 2]
