"""Pages of a collection whose rows are projected through a reference."""

from __future__ import annotations

from typing import Any

import pytest

from holdall.query import FieldSchema, Kind, Query, Schema, SortKey
from holdall.store import Change, Verb
from tests.support.redis_collections import apply
from tests.support.redis_commit_parts import opened

pytestmark = pytest.mark.anyio

_KEY = FieldSchema("id", Kind.INT)
_CITY = Schema("city", (_KEY, FieldSchema("name", Kind.STR)), ("id",))
_FAN = Schema("fan", (_KEY, FieldSchema("home", Kind.REF, target="city", target_key=(_KEY,))), ("id",))
_NAMES: Query[Any] = Query("fan", projection=(("home", "name"),))


@pytest.mark.parametrize(
    "query, expected",
    [
        (_NAMES.limit(1).offset(1), ["b"]),
        (_NAMES.limit(2).offset(2), ["c", "d"]),
        (_NAMES.offset(3), ["d"]),
        (_NAMES.sort(SortKey(("id",), True)).limit(2).offset(1), ["c", "b"]),
        (_NAMES.sort(SortKey(("id",))).limit(1).offset(1).after(1), ["c"]),
    ],
)
async def test_a_page_is_cut_once(redis_url: str, query: Query[Any], expected: list[str]) -> None:
    async with opened(redis_url, _CITY, _FAN) as (store, _):
        for number, name in enumerate("abcd", 1):
            city = Change(Verb.ADD, "city", number, ("id", "name"), (number, name))
            await apply(store, city, Change(Verb.ADD, "fan", number, ("id", "home"), (number, number)))
        assert [name for (name,) in await store.fetch(query)] == expected
