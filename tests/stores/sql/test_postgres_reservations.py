"""What commits hold in a PostgreSQL without prepared transactions: nobody writes past it, however the two meet."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from holdall.errors import LockConflict, Reserved, StaleVersion, UnknownFormat, Unsupported
from holdall.query import Query
from holdall.store import Change, Hold, Outcome, Reservation, Verb
from holdall.stores.sql import open_sql, postgres_transaction
from holdall.stores.sql.holding import HoldingSqlStore
from tests.support.golden_world import COMMIT, RESERVATION
from tests.support.preloaded import PreloadedProcess
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, edit_book, remove

pytestmark = pytest.mark.anyio

_EXPIRES = dt.datetime(2030, 5, 17, 12, 30, 0, 123456, tzinfo=dt.UTC)
_PATIENT = 30.0  # seconds of lock_timeout that no test waits for
_SOON = 0.3

Open = Callable[..., HoldingSqlStore]


def _reservation() -> Reservation:
    return Reservation(uuid4().hex, "the shop", uuid4().hex, "main", "an owner", _EXPIRES)


def _rename(key: int, name: str) -> Change:
    return Change(Verb.UPDATE, "author", key, ("name",), (name,))


@pytest.fixture
async def opens(url: str) -> AsyncIterator[Open]:
    """Opens the store under test, each time as another process would."""
    opened: list[HoldingSqlStore] = []

    def open_one(name: str = "main", lock_timeout: float = _PATIENT, at: str = url) -> HoldingSqlStore:
        store = open_sql(name, at, lock_timeout=lock_timeout)
        assert isinstance(store, HoldingSqlStore)
        store.bind([AUTHOR, BOOK])
        opened.append(store)
        return store

    await open_one().create()
    yield open_one
    for each in opened:
        await each.close()


async def _names(store: HoldingSqlStore) -> dict[int, str]:
    return {row[0]: row[1] for row in await store.fetch(Query("author"))}


async def _authors(store: HoldingSqlStore, *names: str) -> list[int]:
    return [outcome.key for outcome in await store.apply([add_author(name) for name in names])]


async def _until_waiting(raw: asyncpg.Connection, task: asyncio.Task[Any]) -> None:
    """Until somebody waits for a lock; the task has not ended by then."""
    for _ in range(500):
        if await raw.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            assert not task.done()
            return
        assert not task.done(), task
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def _is_reserving(raw: asyncpg.Connection) -> bool:
    return await raw.fetchval("SELECT to_regclass('holdall_reservation') IS NOT NULL")  # type: ignore[no-any-return]


async def test_it_holds_by_rows(opens: Open) -> None:
    store = opens()
    assert await store.hold() is Hold.RESERVED
    assert (store.capabilities.hold, store.capabilities.hold_cost) == (Hold.RESERVED, 2)
    assert await store.prepared() == []
    assert not await store.commit_prepared("unknown", [])
    await store.roll_back_prepared("unknown")


async def test_who_may_neither_prepare_nor_make_a_table_is_told_so(
    opens: Open, raw: asyncpg.Connection, url: str
) -> None:
    await raw.execute(
        "CREATE ROLE guest LOGIN; GRANT ALL ON author, author_id_seq TO guest; "
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    )
    try:
        parts = urlsplit(url)
        store = opens(at=urlunsplit(parts._replace(netloc=f"guest@{parts.hostname}:{parts.port}")))
        assert await store.hold() is Hold.NONE
        assert store.capabilities.hold is Hold.NONE
        with pytest.raises(Unsupported, match="holdall_reservation"):
            await store.prepare(_reservation(), [add_author("a")])
        await store.apply([add_author("a", 1)])
        await store.close()
    finally:
        await raw.execute("DROP OWNED BY guest; DROP ROLE guest")


async def test_nothing_is_made_before_something_is_held(opens: Open, raw: asyncpg.Connection) -> None:
    store = opens()
    await _authors(store, "a")
    await store.commit_prepared("unknown", [])
    assert not await _is_reserving(raw)
    await store.prepare(_reservation(), [add_author("b")])
    assert await _is_reserving(raw)


async def test_processes_that_make_the_table_at_once(opens: Open) -> None:
    stores = [opens(f"s{number}") for number in range(8)]
    await asyncio.gather(*(store.prepare(_reservation(), [add_author(store.name)]) for store in stores))
    assert len(await stores[0].prepared()) == 8


async def test_two_stores_of_one_commit_over_one_database(opens: Open) -> None:
    first, second = opens("first"), opens("second")
    reservation = _reservation()
    (a,) = await first.prepare(reservation, [add_author("a")])
    (b,) = await second.prepare(reservation, [add_author("b")])
    assert await first.prepared() == [reservation]
    assert await first.commit_prepared(reservation.commit, [add_author("a", a.key)])
    assert await second.prepared() == [reservation]
    assert await second.commit_prepared(reservation.commit, [add_author("b", b.key)])
    assert await _names(first) == {a.key: "a", b.key: "b"}
    assert await first.prepared() == []


async def test_who_learned_that_there_is_no_table_meets_what_is_held(opens: Open, raw: asyncpg.Connection) -> None:
    store, other = opens(), opens()
    keys = await _authors(store, *"abcdef")
    for _ in range(7):  # the server makes a plan for good at the sixth time
        await store.apply([_rename(keys[0], "x")])
        await store.apply([add_author("y", 100), remove("author", 100)])
    assert not await _is_reserving(raw)
    reservation = _reservation()
    await other.prepare(reservation, [_rename(keys[0], "held"), remove("author", keys[1])])
    for change in (_rename(keys[0], "y"), remove("author", keys[0]), add_book("x", keys[1])):
        for changes in ([change], [add_author("z"), change]):
            with pytest.raises(Reserved) as caught:
                await store.apply(changes)
            assert caught.value.reservations == (reservation,)
    await store.apply([_rename(keys[2], "free")])
    await other.roll_back_prepared(reservation.commit)
    await store.apply([_rename(keys[0], "y")])


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("size", [1, 2])
async def test_who_waited_for_a_reserver_sees_its_row(
    opens: Open, raw: asyncpg.Connection, isolation: str, is_known: bool, size: int
) -> None:
    """The trap: a condition beside the row that is written must not be judged by a snapshot from before the wait."""
    database = await raw.fetchval("SELECT quote_ident(current_database())")
    await raw.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = '{isolation}'")
    owner, writer = opens(), opens()
    keys = await _authors(owner, "a", "b")
    reservation = _reservation()
    await owner.prepare(reservation, [_rename(keys[0], "held")])
    row = await raw.fetchrow("SELECT * FROM holdall_reservation")
    await owner.roll_back_prepared(reservation.commit)
    changes = [_rename(key, "late") for key in keys[:size]]
    for _ in range(7 if is_known else 0):
        await writer.apply(changes)
    before = await _names(owner)
    async with raw.transaction():
        await raw.execute("LOCK TABLE holdall_reservation IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(writer.apply(changes))
        await _until_waiting(raw, task)
        await raw.execute("INSERT INTO holdall_reservation VALUES ($1, $2, $3, $4, $5)", *row)
    with pytest.raises(Reserved) as caught:
        await task
    assert caught.value.reservations == (reservation,)
    assert await _names(owner) == before


async def test_a_reserver_waits_for_writers_and_sees_what_they_wrote(opens: Open, raw: asyncpg.Connection) -> None:
    owner, writer = opens(), opens()
    (author,) = await _authors(owner, "a")
    await owner.prepare(reservation := _reservation(), [add_author("makes the table")])
    await owner.roll_back_prepared(reservation.commit)
    (book,) = await owner.apply([add_book("x", author)])
    async with writer.transaction() as transaction:
        await transaction.apply([edit_book(book.key, 1, title="y")])
        task = asyncio.create_task(owner.prepare(_reservation(), [edit_book(book.key, 1, title="z")]))
        await _until_waiting(raw, task)
    with pytest.raises(StaleVersion):
        await task
    assert await owner.prepared() == []


async def test_a_reserver_does_not_wait_for_ever(opens: Open, raw: asyncpg.Connection) -> None:
    """Neither for a transaction that began before there was a table, nor for one that looked at it."""
    owner, writer = opens(lock_timeout=_SOON), opens()
    async with writer.transaction() as transaction:
        await transaction.apply([add_author("a")])
        with pytest.raises(LockConflict, match="kept open"):
            await owner.prepare(_reservation(), [add_author("b")])
    assert await _is_reserving(raw)
    async with writer.transaction() as transaction:
        await transaction.apply([add_author("c")])
        with pytest.raises(LockConflict):
            await owner.prepare(_reservation(), [add_author("d")])
    assert await owner.prepared() == []
    assert list((await _names(owner)).values()) == ["a", "c"]
    await owner.prepare(_reservation(), [add_author("d")])


async def test_a_reserver_waits_for_the_end_of_who_saw_the_table_come(opens: Open, raw: asyncpg.Connection) -> None:
    """Even if what it wrote since was taken back, and with that the lock by which others see that it has looked."""
    impatient, owner, writer = opens(lock_timeout=_SOON), opens(), opens()
    keys = await _authors(owner, "a", "b")
    async with writer.transaction() as transaction:
        await transaction.apply([_rename(keys[0], "first")])
        with pytest.raises(LockConflict):
            await impatient.prepare(_reservation(), [remove("author", keys[0])])
        for _ in range(2):
            with pytest.raises(StaleVersion):
                await transaction.apply([_rename(keys[1], "taken back"), _rename(99, "none")])
            with pytest.raises(LockConflict):
                await opens(lock_timeout=_SOON).prepare(_reservation(), [remove("author", keys[0])])
        task = asyncio.create_task(owner.prepare(_reservation(), [_rename(keys[0], "held")]))
        await _until_waiting(raw, task)
        await transaction.apply([_rename(keys[1], "second")])
    await task
    assert await _names(owner) == {keys[0]: "first", keys[1]: "second"}


async def test_who_reserves_first_waits_for_a_statement_that_may_not_have_looked(
    opens: Open, raw: asyncpg.Connection
) -> None:
    impatient, owner, writer = opens(lock_timeout=_SOON), opens(), opens()
    (key,) = await _authors(writer, "a")
    async with raw.transaction():
        await raw.execute("UPDATE author SET name = 'b' WHERE id = $1", key)
        writing = asyncio.create_task(writer.apply([_rename(key, "written")]))
        await _until_waiting(raw, writing)
        with pytest.raises(LockConflict):
            await impatient.prepare(_reservation(), [remove("author", key)])
        assert await _is_reserving(raw)
        assert await raw.fetchval("SELECT count(*) FROM holdall_reservation") == 0
        reserving = asyncio.create_task(owner.prepare(_reservation(), [remove("author", key)]))
    await writing
    await reserving
    assert await _names(owner) == {key: "written"}
    with pytest.raises(Reserved):
        await writer.apply([_rename(key, "late")])


async def test_a_transaction_that_did_not_see_the_table_is_judged_by_it(
    opens: Open, raw: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins, somebody makes the table and reserves, it writes: its first statement sees the table."""
    owner, writer = opens(), opens()
    keys = await _authors(owner, "a", "b")
    carry_out = postgres_transaction.carry_out
    reservation = _reservation()

    async def late(*arguments: Any) -> list[Outcome]:
        monkeypatch.setattr(postgres_transaction, "carry_out", carry_out)
        await owner.prepare(reservation, [_rename(keys[0], "held")])
        return await carry_out(*arguments)

    async def write() -> None:
        async with writer.transaction() as transaction:
            with pytest.raises(Reserved):
                await transaction.apply([_rename(keys[0], "past it")])
            await transaction.apply([_rename(keys[1], "free")])

    monkeypatch.setattr(postgres_transaction, "carry_out", late)
    await write()
    assert await owner.commit_prepared(reservation.commit, [_rename(keys[0], "held")])
    assert await _names(writer) == {keys[0]: "held", keys[1]: "free"}


@pytest.mark.parametrize("is_held", [True, False])
async def test_works_are_judged_anew_when_the_table_came_while_they_ran(
    opens: Open, monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    owner, writer = opens(), opens()
    keys = await _authors(owner, "a", "b")
    carry_out = postgres_transaction.carry_out

    async def late(*arguments: Any) -> list[Outcome]:
        monkeypatch.setattr(postgres_transaction, "carry_out", carry_out)
        await owner.prepare(_reservation(), [_rename(keys[0], "held")])
        return await carry_out(*arguments)

    monkeypatch.setattr(postgres_transaction, "carry_out", late)
    changes = [add_author("c"), _rename(keys[0 if is_held else 1], "written")]
    if is_held:
        with pytest.raises(Reserved):
            await writer.apply(changes)
    else:
        await writer.apply(changes)
    names = ["a", "b"] if is_held else ["a", "c", "written"]
    assert sorted((await _names(owner)).values()) == names


async def test_a_table_that_was_dropped_is_made_anew(opens: Open, raw: asyncpg.Connection) -> None:
    store = opens()
    (key,) = await _authors(store, "a")
    for _ in range(2):
        await store.prepare(_reservation(), [_rename(key, "b")])
        await raw.execute("DROP TABLE holdall_reservation")
        await store.apply([_rename(key, "c")])
    await store.prepare(_reservation(), [_rename(key, "b")])
    await raw.execute("DROP TABLE holdall_reservation")
    await store.apply([_rename(key, "d"), add_author("e")])
    assert sorted((await _names(store)).values()) == ["d", "e"]


async def test_a_refused_prepare_lets_go_of_what_it_held(opens: Open) -> None:
    store = opens()
    (key,) = await _authors(store, "a")
    reservation = _reservation()
    await store.prepare(reservation, [_rename(key, "b")])
    with pytest.raises(StaleVersion):
        await store.prepare(reservation, [_rename(key, "b"), _rename(99, "none")])
    assert await store.prepared() == []
    await store.apply([_rename(key, "c")])


_KILLED = """
import asyncio, sys
from holdall.stores.sql import open_sql
from tests.support.golden_world import COMMIT, RESERVATION
from tests.support.sql_collections import AUTHOR, BOOK, add_author
from holdall.store import Reservation

async def main(url, data):
    store = open_sql("main", url)
    store.bind([AUTHOR, BOOK])
    await store.prepare(Reservation.decode("", data), [add_author("a", 1000)])
    print("prepared", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_a_killed_process_has_prepared_is_settled(opens: Open, url: str) -> None:
    store = opens()
    kept, undone = _reservation(), _reservation()
    for reservation in (undone, kept):
        words = ("-c", _KILLED, url, reservation.encode().decode())
        with PreloadedProcess(*words, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert await asyncio.to_thread(child.stdout.readline) == b"prepared\n"
            child.kill()
        assert await store.prepared() == [reservation]
        with pytest.raises(Reserved):
            await store.apply([add_author("b", 1000)])
        if reservation is kept:
            assert await store.commit_prepared(reservation.commit, [add_author("a", 1000)])
        else:
            await store.roll_back_prepared(reservation.commit)
    assert await store.prepared() == []
    assert await _names(store) == {1000: "a"}


# --- what versions of Holdall write -----------------------------------------------------------------------------------

_ROW = json.loads((Path(__file__).parent / "golden" / "postgres_reservation_1.json").read_text())
_GOLDEN = (_ROW["commit_id"], _ROW["store"], _ROW["format"], _ROW["reservation"].encode(), _ROW["footprint"].encode())


async def _insert(raw: asyncpg.Connection, *row: object) -> None:
    await raw.execute("INSERT INTO holdall_reservation VALUES ($1, $2, $3, $4, $5)", *row)


async def test_the_row_that_is_written_is_the_newest_golden_file(opens: Open, raw: asyncpg.Connection) -> None:
    """Never write it anew: a change of the format gets a new number and a file of its own."""
    store = opens()
    (key,) = await _authors(store, "a")
    await store.prepare(RESERVATION, [_rename(key, "held")])
    assert tuple(await raw.fetchrow("SELECT * FROM holdall_reservation")) == _GOLDEN


async def test_a_row_of_an_earlier_holdall_is_read(opens: Open, raw: asyncpg.Connection) -> None:
    store = opens()
    first, second = await _authors(store, "a", "b")
    await store.prepare(_reservation(), [_rename(first, "held")])  # makes the table
    await raw.execute("DELETE FROM holdall_reservation")
    await _insert(raw, *_GOLDEN)
    assert await store.prepared() == [RESERVATION]
    await store.apply([_rename(second, "passes")])
    with pytest.raises(Reserved) as caught:
        await store.apply([_rename(first, "x")])
    assert caught.value.reservations == (RESERVATION,)
    assert await store.commit_prepared(COMMIT, [_rename(first, "held")])
    assert await _names(store) == {first: "held", second: "passes"}


@pytest.mark.parametrize("column", ["format", "footprint", "reservation"])
async def test_a_row_that_cannot_be_read_keeps_everybody_away(
    opens: Open, raw: asyncpg.Connection, column: str
) -> None:
    store = opens()
    first, second = await _authors(store, "a", "b")
    await store.prepare(RESERVATION, [_rename(first, "held")])
    other: dict[str, object] = {"format": 9, "footprint": b"\xff", "reservation": b'{"format": 9}'}
    await raw.execute(f"UPDATE holdall_reservation SET {column} = $1", other[column])
    with pytest.raises(Reserved) as caught:
        await store.apply([_rename(first if column == "reservation" else second, "x")])
    (found,) = caught.value.reservations
    assert (found.commit, found.is_readable) == (COMMIT, column != "reservation")
    assert [item.commit for item in await store.prepared()] == [COMMIT]


async def test_a_row_of_another_format_is_left_alone_and_told_by_its_number(
    opens: Open, raw: asyncpg.Connection
) -> None:
    store = opens()
    (first,) = await _authors(store, "a")
    part = [_rename(first, "held")]
    await store.prepare(RESERVATION, part)
    await raw.execute("UPDATE holdall_reservation SET format = 9")
    before = await raw.fetch("SELECT * FROM holdall_reservation")
    await store.renew_prepared(RESERVATION)
    for work in (
        store.commit_prepared(COMMIT, part),
        store.roll_back_prepared(COMMIT),
        store.prepare(RESERVATION, part),
    ):
        with pytest.raises(UnknownFormat, match=rf"{COMMIT}.* format 9.*use the version") as told:
            await work
        assert (told.value.found, told.value.known) == (9, 1)
    assert await raw.fetch("SELECT * FROM holdall_reservation") == before
    assert await _names(store) == {first: "a"}
