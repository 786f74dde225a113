"""Whatever a user asks, the answer is that of stores which have the visible records alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Policy
from holdall.session.references.guarded_access import GuardedAccess
from holdall.session.references.semi_joins import SemiJoins
from tests.support.policy_world import (
    ANN,
    RULES,
    Author,
    Book,
    Shelf,
    application,
    contents,
    filled,
    random_query,
    visible,
)

pytestmark = pytest.mark.anyio

_APART = {"one": "memory:", "two": "memory:", "three": "memory:"}
_LAYOUTS: dict[str, Callable[[Path], dict[str, str]]] = {
    "memory": lambda path: {"main": "memory:"},
    "scattered": lambda path: _APART,
    "sqlite": lambda path: {"main": f"sqlite:///{path / 'main.db'}"},
    "half": lambda path: {"one": f"sqlite:///{path / 'one.db'}", "two": "memory:"},
}


async def asked(app: Holdall, user: Any, query: Any) -> Any:
    """All that a session tells of a query: rows, number and stream."""
    async with app.session(*user) as session:
        found = await session.query(query)
        told: list[Any] = [found if query.grouping is not None or query.projection else [each.id for each in found]]
        if query.grouping is None:
            told.append(await session.count(query))
            told.append(await session.exists(query))
            if not query.projection:
                told.append([each.id async for each in session.stream(query)])
        return told


async def differing(layout: dict[str, str], rule: str, seed: int, number: int) -> list[str]:
    """The queries that are answered otherwise than without what is hidden."""
    found = contents(seed)
    whole, own = application(layout, RULES[rule]), application(_APART, None)
    for app, given in ((whole, found), (own, visible(rule, found))):
        if any(not url.startswith("memory") for url in layout.values()) and app is whole:
            await app.create()
        await filled(app, given)
    chance, wrong = random.Random(seed), list[str]()
    try:
        for _ in range(number):
            query = random_query(chance)
            if await asked(whole, (ANN,), query) != await asked(own, (), query):
                wrong.append(str(query))
    finally:
        await whole.close()
        await own.close()
    return wrong


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layout", ["memory", "scattered", "half"])
async def test_answers_are_those_of_the_visible_records(layout: str, rule: str, tmp_path: Path) -> None:
    for seed in range(2):
        path = tmp_path / str(seed)
        path.mkdir()
        assert await differing(_LAYOUTS[layout](path), rule, seed, 40) == []


@pytest.mark.parametrize("rule", ["path", "many"])
async def test_rules_that_lead_through_values_hold_for_what_one_database_joins(rule: str, tmp_path: Path) -> None:
    assert await differing(_LAYOUTS["sqlite"](tmp_path), rule, 2, 40) == []


async def test_a_rule_that_leads_elsewhere_holds_in_each_part_of_a_condition(tmp_path: Path) -> None:
    app = Holdall("rules")
    app.add_store("files", "memory:")
    app.add_store("main", f"sqlite:///{tmp_path / 'main.db'}")
    app.add(Shelf, store="files", policy=Policy(read=Everyone))
    app.add(Author, store="main", policy=Policy(read=Everyone))
    app.add(Book, store="main", policy=Policy(read=Book.shelf.name == "s1"))
    await app.create()
    found = contents(0)
    await filled(app, found)
    read = [each for each in found["books"] if each["shelf"] == 1 and each["author"] is not None]
    for one, other in ((Book.pages < 400, Book.pages >= 400), (Book.pages < 0, Book.pages >= 0)):
        query = Author.where(Author.books.any(one) | Author.books.any(other)).only(Author.id).sort(Author.id)
        async with app.session(ANN) as session:
            assert [key for (key,) in await session.query(query)] == sorted({each["author"] for each in read})
    await app.close()


async def test_an_access_that_forgets_the_rule_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(GuardedAccess, "_guarded", lambda self, query, local: query)
    assert await differing(_LAYOUTS["scattered"](tmp_path), "condition", 0, 40)


async def test_a_reference_inside_a_value_that_leads_past_the_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def of_all(self: SemiJoins, query: Any, binding: Any, number: int) -> list[Any]:
        return [row[0] for row in await binding.store.fetch(query.limit(number + 1).only(("id",)))]

    monkeypatch.setattr(SemiJoins, "_first_keys", of_all)  # what one store joins by itself does not come by it
    assert await differing(_LAYOUTS["memory"](tmp_path), "condition", 0, 40)
