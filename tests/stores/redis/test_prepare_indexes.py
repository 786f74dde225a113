"""Building indexes while a commit holds something: nothing that it was checked by is taken away or given to others."""

from __future__ import annotations

import json

import msgspec
import pytest

from holdall.errors import SchemaMismatch
from tests.support.redis_collections import apply, beside, store_at, update
from tests.support.redis_commit_parts import THING, opened, prepared, refused, thing

pytestmark = pytest.mark.anyio


async def test_a_foreign_record_does_not_get_a_value_that_is_held(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1, code="a"))
        commit = await prepared(store, update("thing", 1, code="q"), thing(3, "m", code=None))
        rows = {8: ("o", "q", 8), 9: ("m", None, 3)}
        for key, (name, code, size) in rows.items():
            values = {"id": key, "name": name, "code": code, "size": size, "version": 1}
            place = f"{store._prefix}:thing:{key}"
            await raw.hset(place, mapping={field: json.dumps(value) for field, value in values.items()})
            before = await beside(raw, store)
            await raw.delete(f"{store._prefix}:thing#keys")
            error = await refused(store.create(), commit)
            assert error.collection == "thing"
            await raw.zadd(f"{store._prefix}:thing#keys", dict.fromkeys(before["thing#keys"], 0))
            assert await beside(raw, store) == before
            await raw.delete(place)
        await store.roll_back_prepared(commit)
        await raw.delete(f"{store._prefix}:thing#keys")
        await store.create()
        assert (await beside(raw, store))["thing#unique:code"] == {b"a": b"1"}


async def test_no_index_is_built_anew_meanwhile(redis_url: str) -> None:
    """The part was checked by the rules of another declaration."""
    async with opened(redis_url) as (store, raw):
        await apply(store, thing(1, code="a"))
        changes = [update("thing", 1, code="q")]
        commit = await prepared(store, *changes)
        before = await beside(raw, store)
        other = store_at(redis_url, msgspec.structs.replace(THING, indexes=(("size",),)), prefix=store._prefix)
        await refused(other.create(), commit)
        assert await beside(raw, store) == before
        with pytest.raises(SchemaMismatch, match="indexes"):
            await other.commit_prepared(commit, changes)
        assert await store.commit_prepared(commit, changes)
        await other.create()
        with pytest.raises(SchemaMismatch, match="indexes"):
            await prepared(store, thing(2))
        assert await store.prepared() == []
        await other.close()
