"""Whatever a user asks, the answer is that of stores which have the visible records alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall
from holdall.session.references.guarded_access import GuardedAccess
from tests.support.policy_world import ANN, RULES, application, contents, filled, random_query, visible

pytestmark = pytest.mark.anyio

_APART = {"one": "memory:", "two": "memory:", "three": "memory:"}
_LAYOUTS: dict[str, Callable[[Path], dict[str, str]]] = {
    "memory": lambda path: {"main": "memory:"},
    "scattered": lambda path: _APART,
    "sqlite": lambda path: {"main": f"sqlite:///{path / 'main.db'}?foreign_keys=off"},
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


async def test_an_access_that_forgets_the_rule_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(GuardedAccess, "_guarded", lambda self, query, local: query)
    assert await differing(_LAYOUTS["scattered"](tmp_path), "condition", 0, 40)
