"""Two worlds that differ only in what a user may not read: answers, their headers and order, and store calls are equal.

``make worlds N=200000`` sends more requests.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from holdall import SYSTEM, Policy
from holdall.app.long_actions import work_on_action, work_on_request
from holdall.errors import Forbidden, NotFound
from holdall.query import Query
from holdall.session import Bindings, estimating
from holdall.session.judging import Judging
from holdall.session.references.guarded_access import GuardedAccess
from holdall.session.references.visible_collections import VisibleCollections
from holdall.web.dialects import Dialects
from holdall.web.view import CollectionView
from tests.support.policy_worlds import Worlds

pytestmark = [pytest.mark.anyio, pytest.mark.early]

_NUMBER = int(os.environ.get("WORLDS", "0")) // 9 or 400


async def differing(layout: str, user: str, folder: Path, seed: int, number: int) -> list[str]:
    worlds = Worlds(user)
    await worlds.make(layout, folder, seed)
    try:
        return await worlds.differing(random.Random(f"{layout} {user} {seed}"), number)
    finally:
        await worlds.close()


@pytest.mark.parametrize("user", ["ann", "tom", "nobody"])
@pytest.mark.parametrize("layout", ["memory", "sqlite", "scattered"])
async def test_nobody_can_tell_them_apart(layout: str, user: str, tmp_path: Path) -> None:
    number, folder = 0, tmp_path
    while number * 600 < _NUMBER:
        folder = tmp_path / str(number)
        folder.mkdir()
        assert await differing(layout, user, folder, number, min(600, _NUMBER - number * 600)) == []
        number += 1


async def _count_of_all(self: Any, query: Any) -> int:
    return await self._access.count(query)  # type: ignore[no-any-return]


class _Open:
    """Sees no rule for any collection."""

    def guarded(self, binding: Any) -> None:
        return None


async def _told_of_hidden(self: Any, session: Any, key: Any) -> Any:
    found = await session.query(Query(self.binding.collection, self.meets(key)))
    if not found:
        rows = await self.binding.store.fetch(Query(self.binding.collection, self.meets(key)))
        raise Forbidden("read", self.binding.collection) if rows else NotFound(self.binding.collection, key)
    return found[0]


def _joined(self: Any, one: Any, other: Any, *_: Any, **__: Any) -> bool:
    return one.store is other.store


async def _nothing(self: Any) -> None:
    return None


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "filter on a hidden field": (Dialects, "of", lambda self, user: self._whole),
    "count": (GuardedAccess, "count", _count_of_all),
    "noted count": (estimating, "visible_to", lambda bindings, user, **options: _Open()),
    "forbidden instead of absent": (CollectionView, "get_one", _told_of_hidden),
    "sort order": (VisibleCollections, "is_joined", _joined),
    "reference check": (Judging, "demand_references", _nothing),
    "records": (GuardedAccess, "_guarded", lambda self, query, local: query),
    "hidden values": (Policy, "hidden", lambda self, user: frozenset()),
    "jobs as the program": (work_on_action, "user_of", lambda kept: SYSTEM),
    "later requests as the program": (work_on_request, "user_of", lambda kept: SYSTEM),
}


@pytest.mark.parametrize("leak", PLANTED)
async def test_a_planted_leak_is_found(leak: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place, name, planted = PLANTED[leak]
    monkeypatch.setattr(place, name, planted)
    if leak == "filter on a hidden field":
        monkeypatch.setattr(Bindings, "demand_ends", lambda self, query, binding, user: None)
    found = list[str]()
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        found += await differing("memory", "ann", folder, seed, 400)
        if found:
            break
    assert found
