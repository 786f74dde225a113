"""Several steps in one statement on PostgreSQL: all of them or none, as if they were sent one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from random import Random
from types import SimpleNamespace

import asyncpg
import pytest
from msgspec.structs import replace

from holdall.errors import Conflict, ReferenceViolation, StaleVersion, UniqueViolation
from holdall.query import FieldSchema, Generated, Kind, Query, Schema
from holdall.store import APPLIED, Change, Sent, Store, Verb
from holdall.stores.sql import open_sql, postgres_combined

pytestmark = pytest.mark.anyio

_ID = FieldSchema("id", Kind.INT)
_NODE = Schema(
    "node", (_ID, FieldSchema("name", Kind.STR), FieldSchema("version", Kind.INT)), ("id",), version="version"
)
_LEAF = Schema(
    "leaf",
    (_ID, FieldSchema("name", Kind.STR), FieldSchema("node", Kind.REF, target="node", target_key=(_ID,))),
    ("id",),
    unique=(("name",),),
)
_ENTRY = Schema(
    "entry", (replace(_ID, generated=Generated.STORE), FieldSchema("name", Kind.STR, nullable=True)), ("id",)
)
_SPOT = Schema("spot", (_ID, FieldSchema("name", Kind.STR)), ("id",))


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = open_sql("main", url)
    store.bind([_NODE, _LEAF, _SPOT, _ENTRY])
    await store.create()
    yield store
    await store.close()


def _node(key: int, name: str = "n") -> Change:
    return Change(Verb.ADD, "node", key, ("id", "name", "version"), (key, name, 1))


def _leaf(key: int, node: int, name: str) -> Change:
    return Change(Verb.ADD, "leaf", key, ("id", "name", "node"), (key, name, node))


def _spot(key: int, name: str = "s") -> Change:
    return Change(Verb.ADD, "spot", key, ("id", "name"), (key, name))


def _entry(name: str) -> Change:
    """A new record, to whose table the store gives the key."""
    return Change(Verb.ADD, "entry", None, ("name",), (name,))


def _rename(key: int, version: int, name: str) -> Change:
    return Change(Verb.UPDATE, "node", key, ("name", "version"), (name, version + 1), version)


async def _rows(store: Store, name: str) -> dict[object, tuple[object, ...]]:
    return {row[0]: tuple(row[1:]) for row in await store.fetch(Query(name))}


async def _statements(raw: asyncpg.Connection, words: str) -> int:
    """How many other connections to this database have sent, last of all, a statement like this."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    return len(await raw.fetch(f"SELECT query FROM pg_stat_activity WHERE query LIKE $1 AND {others}", words))


async def test_new_records_and_changes_of_several_tables_go_in_one_statement(
    store: Store, raw: asyncpg.Connection
) -> None:
    await store.apply([_node(1)])
    await store.apply([_node(2), _node(3), _spot(1)])
    assert await _statements(raw, "WITH w0 AS (INSERT%w1%SELECT 1 /%") == 1
    await store.apply([_rename(1, 1, "x"), _spot(2), _leaf(1, 1, "l")])
    assert await _statements(raw, "WITH w0 AS (%UPDATE%node%w2%SELECT 1 /%") == 1
    assert await _rows(store, "node") == {1: ("x", 2), 2: ("n", 1), 3: ("n", 1)}
    assert set(await _rows(store, "spot")) == {1, 2}


async def test_new_records_that_come_last_are_told_their_keys(store: Store, raw: asyncpg.Connection) -> None:
    await store.apply([_node(1), _entry("first")])
    assert await _statements(raw, "WITH w0 AS (INSERT%w1%SELECT 1 /%ARRAY(%") == 1
    outcomes = await store.apply([_rename(1, 1, "x"), _entry("a"), _entry("b"), _entry("c")])
    assert await _statements(raw, "WITH w0 AS (UPDATE%w1%SELECT 1 /%ARRAY(%") == 1
    assert outcomes[0] == APPLIED
    keys = [outcome.key for outcome in outcomes[1:]]
    assert [(await _rows(store, "entry"))[key] for key in keys] == [("a",), ("b",), ("c",)]
    assert all(type(key) is int for key in keys)
    (made, changed) = await store.apply([_entry("d"), _rename(1, 2, "y")])
    assert await _statements(raw, "COMMIT") == 1, "what comes first is not combined"
    assert changed == APPLIED
    assert (await _rows(store, "entry"))[made.key] == ("d",)


async def test_changes_of_several_records_go_in_one_statement(store: Store, raw: asyncpg.Connection) -> None:
    await store.apply([_node(key) for key in range(1, 6)])
    outcomes = await store.apply([_rename(key, 1, f"x{key}") for key in range(1, 5)])
    assert await _statements(raw, "WITH w0 AS (WITH u AS%UPDATE%SELECT 1 /%") == 1
    assert list(outcomes) == [APPLIED] * 4
    outcomes = await store.apply([*(_rename(key, 2, f"y{key}") for key in range(1, 5)), _entry("a"), _entry("b")])
    assert await _statements(raw, "WITH w0 AS (WITH u AS%UPDATE%w1%SELECT 1 /%ARRAY(%") == 1
    assert await _rows(store, "node") == {1: ("y1", 3), 2: ("y2", 3), 3: ("y3", 3), 4: ("y4", 3), 5: ("n", 1)}
    assert set(await _rows(store, "entry")) == {outcome.key for outcome in outcomes[4:]}
    with pytest.raises(StaleVersion) as caught:
        await store.apply([_rename(1, 3, "z"), _rename(2, 9, "z"), _rename(3, 3, "z"), _entry("c")])
    assert caught.value.key == 2
    assert len(await _rows(store, "entry")) == 2


@pytest.mark.parametrize(
    "changes, error",
    [
        ([_rename(1, 7, "stale"), _entry("e")], StaleVersion),
        ([_spot(9), _rename(1, 7, "stale")], StaleVersion),
        ([_rename(1, 7, "stale"), _spot(9)], StaleVersion),
        ([_rename(8, 1, "absent"), _spot(9)], StaleVersion),
        ([_spot(9), _node(1)], UniqueViolation),
        ([_node(9), _leaf(9, 1, "taken")], UniqueViolation),
        ([_spot(9), _leaf(9, 77, "lost")], ReferenceViolation),
        ([_spot(9), Change(Verb.REMOVE, "node", 1)], ReferenceViolation),
    ],
)
async def test_what_refuses_one_step_is_told_and_nothing_is_written(
    store: Store, changes: list[Change], error: type[Conflict]
) -> None:
    await store.apply([_node(1), _leaf(1, 1, "taken")])
    names = ("node", "leaf", "spot", "entry")
    before = [await _rows(store, name) for name in names]
    with pytest.raises(error):
        await store.apply(changes)
    assert [await _rows(store, name) for name in names] == before


async def _random_batches(store: Store, rounds: int) -> None:
    """Random changes of three tables; every batch has taken place whole, or not at all where it was refused."""
    random = Random(7)
    nodes, leaves, spots = dict[int, tuple[str, int]](), dict[int, tuple[str, int]](), dict[int, str]()
    entries = dict[object, tuple[object, ...]]()
    for number in range(rounds):
        batch: list[Change] = []
        hoped = dict(nodes), dict(leaves), dict(spots)
        for _ in range(random.randint(2, 4)):
            key, kind = random.randint(1, 6), random.randrange(6)
            if kind == 0:
                batch.append(_node(key))
                hoped[0][key] = ("n", 1)
            elif kind == 1 and key in nodes:
                version = random.choice((nodes[key][1], 99))
                batch.append(_rename(key, version, f"r{number}"))
                hoped[0][key] = (f"r{number}", version + 1)
            elif kind == 2:
                batch.append(_leaf(key, random.randint(1, 6), f"l{key % 4}"))
                hoped[1][key] = (batch[-1].values[1], batch[-1].values[2])
            elif kind == 3:
                batch.append(_spot(key, f"s{number}"))
                hoped[2][key] = f"s{number}"
            elif kind == 5:
                batch.append(_entry(f"e{number} {len(batch)}"))
            elif key in spots:
                batch.append(Change(Verb.REMOVE, "spot", key))
                hoped[2].pop(key, None)
        known = [(change.collection, change.key) for change in batch if change.key is not None]
        if len(set(known)) < len(known) or not batch:
            continue
        try:
            outcomes = await store.apply(batch)
        except Conflict:
            pass
        else:
            nodes, leaves, spots = hoped
            entries |= {
                outcome.key: change.values
                for change, outcome in zip(batch, outcomes, strict=True)
                if change.collection == "entry"
            }
        found = {name: await _rows(store, name) for name in ("node", "leaf", "spot")}
        assert found["node"] == nodes, batch
        assert found["leaf"] == leaves, batch
        assert {key: row[0] for key, row in found["spot"].items()} == spots, batch
        assert await _rows(store, "entry") == entries, batch


async def test_every_batch_takes_place_whole_or_not_at_all(store: Store) -> None:
    await _random_batches(store, 300)


async def test_a_statement_that_does_not_demand_all_rows_is_caught(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = postgres_combined._together

    def lenient(texts: Sequence[str], last: int, *, is_making: bool) -> str:
        found = whole(texts, last, is_making=is_making)
        return f"{found.rpartition(' SELECT 1 / ')[0]} SELECT ${last}::bigint{found.rpartition('::int')[2]}"

    monkeypatch.setattr(postgres_combined, "_together", lenient)
    monkeypatch.setattr(postgres_combined, "_texts", {})
    with pytest.raises(AssertionError):
        await _random_batches(store, 300)


async def test_a_step_locks_all_its_rows_before_the_next_one(store: Store, raw: asyncpg.Connection) -> None:
    """Else two who write the rows of two tables, each in one order, would wait for each other."""
    await store.apply([_node(1), _node(2), _node(3)])
    async with raw.transaction():
        await raw.execute("SELECT FROM node WHERE id = 3 FOR UPDATE")
        task = asyncio.create_task(store.apply([*(_rename(key, 1, "x") for key in (1, 2, 3)), _spot(7), _entry("e")]))
        for _ in range(1_000):
            if await raw.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                break
            await asyncio.sleep(0.01)
        taken = await raw.fetchval("SELECT pg_sequence_last_value(pg_get_serial_sequence('entry', 'id')::regclass)")
        assert taken is None, "the last step has begun"
        assert not task.done()
    await task
    assert {row[0] for row in (await _rows(store, "node")).values()} == {"x"}


async def test_a_trigger_that_came_meanwhile_is_met_step_by_step(store: Store, raw: asyncpg.Connection) -> None:
    await store.apply([_node(1), _spot(1)])
    await raw.execute("CREATE FUNCTION lead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.id = 7; RETURN new; END'")
    await raw.execute("CREATE TRIGGER lead BEFORE INSERT ON spot FOR EACH ROW EXECUTE FUNCTION lead()")
    await store.apply([_rename(1, 1, "x"), _spot(2)])
    assert await _rows(store, "node") == {1: ("x", 2)}
    assert set(await _rows(store, "spot")) == {1, 7}
    await raw.execute("CREATE OR REPLACE FUNCTION lead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    with pytest.raises(Conflict, match="kept 0 of 1 new spot records"):
        await store.apply([_rename(1, 2, "y"), _spot(3)])
    assert await _rows(store, "node") == {1: ("x", 2)}
    assert set(await _rows(store, "spot")) == {1, 7}


async def test_a_trigger_acts_between_two_steps(store: Store, raw: asyncpg.Connection) -> None:
    """What it changes after the first step is met by the second: here, another version."""
    await raw.execute(
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN UPDATE node SET version = version + 1 WHERE id = new.node; RETURN NULL; END'"
    )
    await raw.execute("CREATE TRIGGER touch AFTER INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION touch()")
    await store.apply([_node(1)])
    with pytest.raises(StaleVersion):
        await store.apply([_leaf(1, 1, "l"), _rename(1, 1, "x")])
    assert await _rows(store, "node") == {1: ("n", 1)}
    assert await _rows(store, "leaf") == {}


async def test_a_foreign_key_removes_nothing_that_a_later_step_adds(store: Store, raw: asyncpg.Connection) -> None:
    await raw.execute("ALTER TABLE leaf ADD CONSTRAINT own FOREIGN KEY (node) REFERENCES node ON DELETE CASCADE")
    await store.apply([_node(1)])
    with pytest.raises(ReferenceViolation):
        await store.apply([Change(Verb.REMOVE, "node", 1), _leaf(1, 1, "l")])
    assert set(await _rows(store, "node")) == {1}
    await store.apply([_spot(1), Change(Verb.REMOVE, "node", 1)])
    assert await _statements(raw, "WITH w0 AS (INSERT%w1%SELECT 1 /%") == 1  # the last step may remove what it will


async def test_two_changes_of_one_table_are_no_single_statement(store: Store) -> None:
    """In one statement the second would not see the first."""
    await store.apply([_node(1), _node(2), _spot(1)])
    await store.apply([_rename(1, 1, "a"), _rename(2, 1, "b"), Change(Verb.REMOVE, "spot", 1), _spot(2)])
    assert await _rows(store, "node") == {1: ("a", 2), 2: ("b", 2)}
    assert set(await _rows(store, "spot")) == {2}


async def test_a_watched_work_is_shown_as_the_statement_that_was_sent(store: Store) -> None:
    shown: list[Sent] = []
    store._seam.observer = SimpleNamespace(sent=shown.append)  # type: ignore[attr-defined]
    await store.apply([_node(1), _spot(1)])
    assert [(item.statement[:20], item.rows, item.error) for item in shown] == [("WITH w0 AS (INSERT I", 2, None)]
    shown.clear()
    with pytest.raises(StaleVersion):
        await store.apply([_rename(1, 9, "x"), _spot(2)])
    assert [item.error for item in shown][:1] == ["DivisionByZeroError"]
    assert "UPDATE" in shown[-1].statement
