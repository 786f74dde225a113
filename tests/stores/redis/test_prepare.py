"""Holding a part of a commit: who is refused, what is let go of, and what the server's own refusals do to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall.errors import (
    AlreadyExists,
    Reserved,
    SchemaMismatch,
    StaleVersion,
    StoreError,
    StoreUnavailable,
    UniqueViolation,
    Unsupported,
)
from holdall.query import ALWAYS, Query
from holdall.store import Change, Hold, KeyOf, Preparable, Reservation, Verb
from holdall.stores.redis import RedisCollection, RedisStore
from tests.servers.valkey import Valkey, ValkeyCluster
from tests.support.redis_collections import BOOK, PLAIN, apply, beside, book, keys, plain, remove, store_at, update
from tests.support.redis_commit_parts import THING, opened, prepared, refused, reservation, thing

pytestmark = pytest.mark.anyio

_TYPED: dict[str, Any] = {"collections": {"thing": RedisCollection(encoding="typed")}}
_HOUR: dict[str, Any] = {"collections": {"thing": RedisCollection(ttl=3600)}}

_HELD: dict[str, list[Change]] = {
    "add": [thing(5, code="e")],
    "update": [update("thing", 1, 1, code="q", version=2)],
    "remove": [remove("thing", 1)],
    "add again": [remove("thing", 1), thing(1, "other")],
    "twice": [thing(5), update("thing", 5, 1, code="e", version=2)],
}
_OTHERS: dict[str, dict[str, list[Change]]] = {
    "add": {
        "add": [thing(5, "x")],
        "add a value": [thing(6, code="e")],
        "move a value": [update("thing", 2, code="e")],
        "add a pair": [thing(6, size=5)],
        "move a pair": [update("thing", 2, size=5)],
        "update": [update("thing", 5, name="x")],
        "remove": [remove("thing", 5)],
    },
    "update": {
        "update": [update("thing", 1, 1, name="x", version=2)],
        "remove": [remove("thing", 1)],
        "add": [thing(1)],
        "add a value": [thing(6, code="q")],
        "add a value that may be freed": [thing(6, code="a")],
        "last of several": [thing(6), thing(7), update("thing", 1, name="x")],
    },
    "remove": {
        "update": [update("thing", 1, name="x")],
        "remove": [remove("thing", 1)],
        "add": [thing(1, "x")],
        "add a value that may be freed": [thing(6, code="a")],
    },
    "add again": {"update": [update("thing", 1, name="x")], "add a pair": [thing(6, "other", size=1)]},
    "twice": {"add": [thing(5, "x")], "add a value": [thing(6, code="e")]},
}


async def _fill(store: RedisStore) -> None:
    await apply(store, thing(1, code="a"), thing(2, code="b"), thing(3))


async def _rows(store: RedisStore) -> list[Any]:
    return sorted(await store.fetch(Query("thing")))


async def test_what_it_is() -> None:
    store = store_at("redis://127.0.0.1:1")
    assert isinstance(store, Preparable)
    assert await store.hold() is store.capabilities.hold is Hold.RESERVED


@pytest.mark.parametrize("options", [{}, _TYPED, _HOUR], ids=["json", "typed", "ttl"])
@pytest.mark.parametrize("held", _HELD)
async def test_who_is_refused(redis_url: str, held: str, options: dict[str, Any]) -> None:
    """With nothing written; and once it is let go of nothing is left."""
    async with opened(redis_url, **options) as (store, raw):
        await _fill(store)
        before, aside = await _rows(store), await beside(raw, store)
        commit = await prepared(store, *_HELD[held])
        for title, changes in _OTHERS[held].items():
            error = await refused(store.apply(changes), commit)
            assert (error.collection, error.position) == ("thing", len(changes) - 1), title
            await refused(store.prepare(reservation(), changes), commit)
        assert await _rows(store) == before
        assert [item.commit for item in await store.prepared()] == [commit]
        await store.roll_back_prepared(commit)
        assert await beside(raw, store) == aside
        assert await store.prepared() == []
        assert not await store.commit_prepared(commit, _HELD[held])
        assert await _rows(store) == before


@pytest.mark.parametrize("options", [{}, _TYPED, _HOUR], ids=["json", "typed", "ttl"])
@pytest.mark.parametrize("held", _HELD)
async def test_what_is_written_is_what_apply_writes(redis_url: str, held: str, options: dict[str, Any]) -> None:
    async with opened(redis_url, **options) as (store, raw), opened(redis_url, **options) as (twin, _):
        for one in (store, twin):
            await _fill(one)
        commit = await prepared(store, *_HELD[held])
        assert await store.commit_prepared(commit, _HELD[held])
        await apply(twin, *_HELD[held])
        assert await _rows(store) == await _rows(twin)
        found, expected = await beside(raw, store), await beside(raw, twin)
        for content in (found, expected):
            content["thing#expiry"] = set(content.get("thing#expiry", ()))  # in the order of milliseconds
        assert found == expected
        assert not await store.commit_prepared(commit, _HELD[held]), "once only"
        assert await _rows(store) == await _rows(twin)


async def test_others_pass(redis_url: str) -> None:
    """Other records, other values, and values that are given up by their own record."""
    async with opened(redis_url) as (store, _):
        await _fill(store)
        first = await prepared(store, update("thing", 1, code="q"), thing(5, code="e"))
        await apply(store, update("thing", 2, code="z"), thing(6, code="b"), remove("thing", 3))
        await apply(store, update("thing", 2, code="b"), update("thing", 6, code="z"))
        second = await prepared(store, update("thing", 2, code="y"), thing(7))
        assert {item.commit for item in await store.prepared()} == {first, second}
        codes = await store.fetch(Query("thing", projection=(("id",), ("code",))))
        assert sorted(codes) == [(1, "a"), (2, "b"), (6, "z")]


async def test_appending(redis_url: str) -> None:
    """A record that is to go gets nothing more; one that is changed does."""
    async with opened(redis_url) as (store, _):
        await _fill(store)
        going = await prepared(store, remove("thing", 1))
        await prepared(store, update("thing", 2, name="x"))
        anew = await prepared(store, remove("thing", 3), thing(3))
        coming = await prepared(store, thing(4))
        await refused(store.append("thing", 1, "log", b"x"), going)
        await refused(store.append("thing", 3, "log", b"x"), anew)
        await refused(store.append("thing", 4, "log", b"x"), coming)
        assert await store.append("thing", 2, "log", b"x") == 1
        with pytest.raises(StaleVersion):
            await store.append("thing", 9, "log", b"x")
        assert await store.length("thing", 1, "log") == 0
        await store.roll_back_prepared(going)
        assert await store.append("thing", 1, "log", b"x") == 1


async def test_several_holders_are_told_at_once(redis_url: str) -> None:
    async with opened(redis_url) as (store, _):
        await _fill(store)
        first = await prepared(store, update("thing", 1, name="x"), update("thing", 2, name="x"))
        second = await prepared(store, remove("thing", 3))
        error = await refused(apply(store, thing(7), *(update("thing", n, name="y") for n in (3, 2, 1))), first, second)
        assert error.position == 1
        assert error.reservations[0] == reservation(second)


@pytest.mark.parametrize(
    "bad, error",
    [
        (thing(2), AlreadyExists),
        (thing(7, code="b"), UniqueViolation),
        (thing(7, size=2), UniqueViolation),
        (update("thing", 9, name="x"), StaleVersion),
        (update("thing", 2, 7, name="x"), StaleVersion),
        (remove("thing", 9), StaleVersion),
    ],
)
async def test_a_refused_part_holds_nothing(redis_url: str, bad: Change, error: type[Exception]) -> None:
    """Not even what the same commit held before."""
    async with opened(redis_url, **_HOUR) as (store, raw):
        await _fill(store)
        aside = await beside(raw, store)
        begun = reservation()
        await store.prepare(begun, [update("thing", 1, name="x"), remove("thing", 3)])
        with pytest.raises(error):
            await store.prepare(begun, [update("thing", 1, name="x"), bad])
        assert await beside(raw, store) == aside
        assert await raw.pttl(f"{store._prefix}:thing:3") > 0


async def test_preparing_again_takes_the_place_of_what_was_held(redis_url: str) -> None:
    """In other collections, too."""
    async with opened(redis_url, THING, PLAIN) as (store, raw):
        await _fill(store)
        begun = reservation()
        await store.prepare(begun, [update("thing", 1, code="q"), plain("a")])
        await store.prepare(begun, [update("thing", 2, code="r")])
        await apply(store, update("thing", 1, code="q"), plain("a"))
        await refused(apply(store, thing(4, code="r")), begun.commit)
        assert len(await store.prepared()) == 1
        assert await store.commit_prepared(begun.commit, [update("thing", 2, code="r")])
        assert not [name for name in await beside(raw, store) if name.endswith(("#held", "#commits", "#reserved"))]


async def test_large_parts(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await apply(store, *(thing(number) for number in range(3000)))
        changes = [update("thing", number, code=f"{number}") for number in range(3000)]
        commit = await prepared(store, *changes)
        await refused(apply(store, update("thing", 2999, name="x")), commit)
        assert await store.commit_prepared(commit, changes)
        assert not await raw.exists(f"{store._prefix}:thing#reserved")
        assert await raw.hlen(f"{store._prefix}:thing#unique:code") == 3000


async def test_a_renewed_reservation(redis_url: str) -> None:
    async with opened(redis_url, THING, PLAIN) as (store, _):
        first = reservation()
        await store.prepare(first, [thing(1), plain("a")])
        later = reservation(first.commit, owner="another")
        await store.renew_prepared(later)
        await store.renew_prepared(reservation())
        assert await store.prepared() == [later]
        error = await refused(apply(store, plain("a")), first.commit)
        assert error.reservations == (later,)


async def test_what_cannot_be_read_refuses_and_is_told(redis_url: str) -> None:
    """A reservation that another version wrote, one that is gone, and a part of another form, which is left alone."""
    async with opened(redis_url) as (store, raw):
        await _fill(store)
        commit = await prepared(store, update("thing", 1, name="x"))
        commits, held = f"{store._prefix}:thing#commits", f"{store._prefix}:thing#held"
        await raw.hset(commits, commit, '{"format": 9}')
        error = await refused(apply(store, update("thing", 1, name="y")), commit)
        assert [(item.format, item.is_readable) for item in (*error.reservations, *await store.prepared())] == [
            (9, False),
            (9, False),
        ]
        await raw.hset(held, commit, b"\x91\x09")
        for work in (
            store.roll_back_prepared(commit),
            store.commit_prepared(commit, [update("thing", 1, name="x")]),
            store.prepare(reservation(commit), [update("thing", 1, name="x")]),
        ):
            with pytest.raises(StoreError, match="thing#held was written by another version"):
                await work
        await refused(apply(store, update("thing", 1, name="y")), commit)
        await raw.delete(commits)
        (found,) = (await refused(apply(store, remove("thing", 1)), commit)).reservations
        assert not found.is_readable


async def test_a_foreign_change_is_a_conflict_and_the_part_stays_held(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await _fill(store)
        changes = [update("thing", 1, 1, name="x", version=2), remove("thing", 2)]
        commit = await prepared(store, *changes)
        await raw.hset(f"{store._prefix}:thing:1", "version", "7")
        for _ in range(2):
            with pytest.raises(StaleVersion):
                await store.commit_prepared(commit, changes)
        assert [row[0] for row in await _rows(store)] == [1, 2, 3]
        await refused(apply(store, remove("thing", 2)), commit)
        await raw.hset(f"{store._prefix}:thing:1", "version", "1")
        assert await store.commit_prepared(commit, changes)


async def test_keys_of_new_records(redis_url: str) -> None:
    """Made while preparing, for references too; none is made when the part is written."""
    async with opened(redis_url, BOOK) as (store, _):
        changes = [book(None, "a"), book(None, "b")]
        begun = reservation()
        outcomes = await store.prepare(begun, changes)
        assert [outcome.key for outcome in outcomes] == [1, 2]
        with pytest.raises(StoreError, match="lacks keys of book"):
            await store.commit_prepared(begun.commit, changes)
        await prepared(store, book(7, "given"))
        assert [outcome.key for outcome in await apply(store, book(None, "c"))] == [8]
        assert await store.commit_prepared(begun.commit, [book(1, "a"), book(2, "b")])
        assert await keys(store, ALWAYS) == [1, 2, 8]
        with pytest.raises(StoreError, match="no earlier ADD"):
            await store.prepare(reservation(), [Change(Verb.ADD, "book", KeyOf(3), ("title", "version"), ("t", 1))])


async def test_nothing_to_do(redis_url: str) -> None:
    async with opened(redis_url) as (store, _):
        begun = reservation()
        await store.prepare(begun, [thing(1)])
        assert await store.prepare(begun, []) == []
        assert await store.prepared() == []
        assert not await store.commit_prepared(begun.commit, [])
        await store.roll_back_prepared("never seen")


async def test_a_server_that_would_refuse_to_write_says_so_before_the_decision() -> None:
    """Out of memory, a replica, or a disk that is full; and the same for what a commit held before."""
    with Valkey() as server:
        async with opened(server.url) as (store, raw):
            await _fill(store)
            changes = [update("thing", 1, name="x"), thing(9)]

            first = reservation()

            async def refuses(begun: Reservation, match: str) -> None:
                with pytest.raises(StoreUnavailable, match=match) as caught:
                    await store.prepare(begun, changes)
                assert not caught.value.is_outcome_unknown

            await raw.config_set("maxmemory", "1")
            await refuses(first, "no memory")
            assert await store.prepared() == []
            await raw.config_set("maxmemory", "0")
            await store.prepare(first, changes)
            await raw.config_set("maxmemory", "1")
            await refuses(first, "no memory")
            assert await store.prepared() == [], "nor what it held before"
            await raw.config_set("maxmemory", "0")
            await raw.replicaof("127.0.0.1", "1")
            await refuses(first, "takes no writes")
            await raw.replicaof("NO", "ONE")
            await raw.config_set("min-replicas-to-write", "1")
            await refuses(first, "not ready")
            await raw.config_set("min-replicas-to-write", "0")
            assert await store.prepared() == []
            await apply(store, *changes)


async def test_a_full_server_can_still_let_go() -> None:
    with Valkey() as server:
        async with opened(server.url, **_HOUR) as (store, raw):
            await _fill(store)
            changes = [thing(7), update("thing", 2, version=2)]
            commits = [await prepared(store, *changes)]
            await raw.config_set("maxmemory", "1")
            with pytest.raises(StoreUnavailable, match="no memory"):
                await store.commit_prepared(commits[0], changes)
            assert len(await store.prepared()) == 1
            await store.roll_back_prepared(commits[0])
            assert await store.prepared() == []
            assert await raw.pttl(f"{store._prefix}:thing:2") > 0
            await raw.config_set("maxmemory", "0")


async def test_keys_of_another_type_are_seen_before_anything_is_held(redis_url: str) -> None:
    async with opened(redis_url) as (store, raw):
        await _fill(store)
        begun = reservation()
        await store.prepare(begun, [update("thing", 3, name="x")])
        await raw.set(f"{store._prefix}:thing:4", "no hash")
        with pytest.raises(SchemaMismatch, match="thing:4 holds a string"):
            await store.prepare(begun, [update("thing", 1, name="x"), update("thing", 4, name="x")])
        assert await store.prepared() == []
        for name in ("reserved", "commits", "held"):
            place = f"{store._prefix}:thing#{name}"
            await raw.set(place, "x")
            with pytest.raises(SchemaMismatch, match=f"#{name}|WRONGTYPE"):
                await store.prepare(begun, [update("thing", 1, name="x")])
            assert await store.inspect() == [f"{place} holds a string, not a hash"]
            await raw.delete(place)
            assert not [name for name in await beside(raw, store) if name.endswith(("#held", "#commits", "#reserved"))]
        await apply(store, update("thing", 1, name="x"))


async def test_two_clients_at_once(redis_url: str) -> None:
    """Of those that want one record or one value at once one gets it; who is refused has changed nothing."""
    async with opened(redis_url) as (store, _):
        other = store_at(redis_url, THING, prefix=store._prefix)
        await _fill(store)
        begun = [reservation() for _ in range(20)]

        def part(number: int) -> list[Change]:
            return [update("thing", 1, name=f"w{number}"), thing(10 + number, code="one")]

        async def work(number: int) -> bool:
            client = (store, other)[number % 2]
            try:
                await client.prepare(begun[number], part(number))
            except Reserved:
                return False
            return True

        went = await asyncio.gather(*(work(number) for number in range(20)))
        assert went.count(True) == 1
        winner = went.index(True)
        wrote = await asyncio.gather(
            *(client.commit_prepared(begun[winner].commit, part(winner)) for client in (store, other) * 4)
        )
        assert wrote.count(True) == 1
        assert [row[0] for row in await _rows(store)] == [1, 2, 3, 10 + winner]
        await other.close()


@pytest.mark.parametrize("spread", ["store", "collection"])
async def test_a_cluster(redis_cluster: ValkeyCluster, spread: str) -> None:
    async with opened(redis_cluster.url, THING, PLAIN, spread=spread) as (store, _):
        await apply(store, *(thing(number, code=f"{number}") for number in range(1, 4)))
        first, second = reservation(), reservation()
        if spread == "collection":
            with pytest.raises(Unsupported, match="plain, thing"):
                await store.prepare(first, [thing(7), plain("a")])
        parts = [update("thing", 1, code="x")], [plain("a")]
        await store.prepare(first, parts[0])
        await store.prepare(second, parts[1])
        await refused(apply(store, thing(8, code="x")), first.commit)
        await refused(apply(store, plain("a")), second.commit)
        await refused(store.append("thing", 8, "log", b"x"), await prepared(store, thing(8)))
        assert {item.commit for item in await store.prepared()} >= {first.commit, second.commit}
        await store.renew_prepared(reservation(second.commit, owner="late"))
        assert "late" in {item.owner for item in await store.prepared()}
        await store.roll_back_prepared(second.commit)
        assert await store.commit_prepared(first.commit, parts[0])
        assert not await store.commit_prepared(second.commit, parts[1])
        await apply(store, plain("a"))


@pytest.mark.parametrize("options", [{}, _TYPED], ids=["json", "typed"])
async def test_a_store_is_dropped_with_what_is_held(redis_url: str, options: dict[str, Any]) -> None:
    async with opened(redis_url, **options) as (store, raw):
        await _fill(store)
        await prepared(store, thing(7), remove("thing", 1))
        assert await store.inspect() == []
        assert await store.count(Query("thing")) == 3
        await store.drop()
        assert [name async for name in raw.scan_iter(f"{store._prefix}:*")] == []
