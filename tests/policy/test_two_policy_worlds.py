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
from holdall.model import NestedReference
from holdall.query import Query
from holdall.session import Bindings, Relationship, Session, bulk_references, estimating, in_bulk
from holdall.session.judging import Judging
from holdall.session.references.guarded_access import GuardedAccess
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.references.visible_collections import VisibleCollections
from holdall.web.dialects import Dialects
from holdall.web.including import _Reading
from holdall.web.view import CollectionView
from tests.support.policy_worlds import Worlds

pytestmark = [pytest.mark.anyio, pytest.mark.early]

_NUMBER = int(os.environ.get("WORLDS", "0")) // 9 or 300


async def differing(layout: str, user: str, folder: Path, seed: int, number: int, most: int | None = None) -> list[str]:
    worlds = Worlds(user)
    await worlds.make(layout, folder, seed)
    try:
        return await worlds.differing(random.Random(f"{layout} {user} {seed}"), number, most)
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


_new_keys, _referred, _demand_seen = Judging._new_keys, _Reading._referred, bulk_references.demand_seen


def _keys_of_fields(self: Any, relationship: Any, record: Any) -> Any:
    return () if isinstance(relationship.field, NestedReference) else _new_keys(self, relationship, record)


async def _seen_of_fields(context: Any, binding: Any, slots: Any) -> None:
    await _demand_seen(context, binding, {field: slot for field, slot in slots.items() if field.target is not None})


async def _referred_by_program(self: Any, records: Any, inclusion: Any) -> Any:
    if isinstance(inclusion.field, NestedReference):
        self = _Reading(Session(self.session.context.bindings), self._room)
    return await _referred(self, records, inclusion)


async def _first_keys_of_all(self: Any, query: Any, binding: Any, number: int) -> Any:
    rows = await binding.store.fetch(query.limit(number + 1).only(*[(name,) for name in binding.schema.key]))
    return [row[0] if len(row) == 1 else row for row in rows]


INSIDE: dict[str, tuple[Any, str, Any]] = {
    # of references inside values alone
    "reference check inside values": (Judging, "_new_keys", _keys_of_fields),
    "reference check of bulk changes inside values": (in_bulk, "demand_seen", _seen_of_fields),
    "include through values": (_Reading, "_referred", _referred_by_program),
    "records that values lead to": (SemiJoins, "_first_keys", _first_keys_of_all),
    "other ends of hidden values": (Relationship, "is_hidden_at", lambda self, back, user: False),
    "hidden holders of a removed record": (Policy, "is_whole", lambda self, right, user: True),
}
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
    **INSIDE,
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
        found += await differing("memory", "ann", folder, seed, 400, 1)
        if found:
            break
    assert found
