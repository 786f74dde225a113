"""Prepared transactions of PostgreSQL and MariaDB: what they are named, who can settle them, what they block."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import msgspec
import pytest

from holdall.errors import LockConflict, StaleVersion, StoreUnavailable, UnknownFormat, Unsupported
from holdall.query import Query
from holdall.store import RESERVATION_FORMAT, Change, Hold, Reservation, Verb
from holdall.store import reservation as reservations
from holdall.stores.sql import SqlStore, open_sql, prepared_names
from holdall.stores.sql.holding import HoldingSqlStore
from holdall.stores.sql.prepared_names import Holder, PreparedName, from_gid, from_xid, to_gid, to_xid
from tests.servers.embedded_postgres import EmbeddedPostgres
from tests.support.preloaded import PreloadedProcess
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, edit_book, remove

pytestmark = pytest.mark.anyio

_EXPIRES = dt.datetime(2030, 5, 17, 12, 30, 0, 123456, tzinfo=dt.UTC)
_OWNER = "b3f2a1c9d0e4.4026531836.12345.998877"


def _reservation(**given: object) -> Reservation:
    made = Reservation(uuid4().hex, "the shop", uuid4().hex, "main", _OWNER, _EXPIRES)
    return msgspec.structs.replace(made, **given)


def _name(reservation: Reservation) -> PreparedName:
    return PreparedName(reservation, 7, 2**32 - 1, Holder(2**40, 1_795_838_258))


def _through_xid(name: PreparedName, number: int = 0) -> PreparedName | None:
    found = re.fullmatch(r"X'([0-9a-f]*)',X'([0-9a-f]*)',([0-9]+)", to_xid(name, "main"))
    assert found is not None
    assert max(len(found[1]), len(found[2])) <= 128
    return from_xid(int(found[3]) + number, bytes.fromhex(found[1] + found[2]))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"owner": "a" * 64},
        {"application": "Käse & Söhne ' \" \\"},
        {"application": "", "place": "", "home": "a home", "owner": "x"},
        {"expires": dt.datetime.max.replace(tzinfo=dt.UTC)},
        {"home": ".00.", "owner": "0"},
    ],
)
def test_names_say_the_whole_reservation(given: dict[str, object]) -> None:
    name = _name(_reservation(**given))
    gid = to_gid(name, "main")
    assert len(gid.encode()) < 200
    assert name.reservation.commit in gid
    assert from_gid(gid) == name
    assert _through_xid(name) == name


def test_only_the_place_is_cut() -> None:
    reservation = _reservation(place="ö" * 300)
    for found in (from_gid(to_gid(_name(reservation), "main")), _through_xid(_name(reservation))):
        assert found is not None
        assert set(found.reservation.place) == {"ö"}
        assert msgspec.structs.replace(found.reservation, place=reservation.place) == reservation


def test_what_does_not_fit_is_refused() -> None:
    name = _name(_reservation(application="x" * 130))
    for make in (to_gid, to_xid):
        with pytest.raises(Unsupported, match="application"):
            make(name, "main")


def test_other_names_are_left_alone() -> None:
    assert from_gid("a transaction manager's own") is None
    assert from_xid(1, b"abc") is None


def test_names_of_other_formats_are_told_to_be_unreadable() -> None:
    gid = to_gid(_name(_reservation(commit="c1")), "main").replace("holdall1.", "holdall9.")
    assert (found := from_gid(gid)) is not None
    assert (found.reservation.commit, found.reservation.format, found.reservation.is_readable) == ("c1", 9, False)
    assert (cut := from_gid(f"holdall{RESERVATION_FORMAT}.c1.AAAA")) is not None
    assert (cut.reservation.commit, cut.reservation.is_readable) == ("c1", False)
    assert (other := _through_xid(_name(_reservation()), number=8)) is not None
    assert (other.reservation.format, other.reservation.is_readable) == (RESERVATION_FORMAT + 8, False)


@pytest.fixture(scope="module")
def preparing_url() -> Iterator[str]:
    """A PostgreSQL that keeps up to five prepared transactions."""
    with EmbeddedPostgres(settings={"max_prepared_transactions": "5"}) as server:
        yield server.url


Open = Callable[..., HoldingSqlStore]


@pytest.fixture(params=["preparing_url", "mariadb_url"], ids=["postgres", "mariadb"])
def url(request: pytest.FixtureRequest) -> str:
    """The database under test."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def neighbour_url(url: str, fresh_database: Callable[[str], str]) -> str:
    """Another database of the same server."""
    return fresh_database(url)


@pytest.fixture
async def opens(url: str) -> AsyncIterator[Open]:
    """Opens the store under test, each time as another process would."""
    lock_timeout = 0.1 if url.startswith("postgresql") else 1.0
    opened: list[HoldingSqlStore] = []

    def open_one(name: str = "main", lock_timeout: float = lock_timeout) -> HoldingSqlStore:
        store = open_sql(name, url, lock_timeout=lock_timeout)
        assert isinstance(store, HoldingSqlStore)
        store.bind([AUTHOR, BOOK])
        opened.append(store)
        return store

    store = open_one()
    await store.drop()
    await store.create()
    yield open_one
    for reservation in await store.prepared():
        await store.roll_back_prepared(reservation.commit)
    await store.drop()
    for each in opened:
        await each.close()


async def _names(store: SqlStore) -> list[str]:
    return sorted([row[1] for row in await store.fetch(Query("author"))])


def _rename(key: int, name: str) -> Change:
    return Change(Verb.UPDATE, "author", key, ("name",), (name,))


async def test_what_is_prepared_is_written_by_who_prepared_it(opens: Open) -> None:
    store = opens()
    reservation = _reservation()
    assert await store.hold() is Hold.PREPARED
    (made,) = await store.prepare(reservation, [add_author("a")])
    assert await _names(store) == []
    assert await store.prepared() == [reservation]
    changes = [add_author("a", made.key)]
    assert await store.commit_prepared(reservation.commit, changes)
    assert not await store.commit_prepared(reservation.commit, changes)
    assert await _names(store) == ["a"]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_anybody_settles_what_another_has_prepared(opens: Open, is_closed: bool) -> None:
    owner, helper = opens(), opens()
    kept, undone = _reservation(), _reservation()
    await owner.prepare(kept, [add_author("kept")])
    await owner.prepare(undone, [add_author("undone")])
    if is_closed:
        await owner.close()
    assert {item.commit for item in await helper.prepared()} == {kept.commit, undone.commit}
    assert await helper.commit_prepared(kept.commit, [])
    await helper.roll_back_prepared(undone.commit)
    assert await helper.prepared() == []
    assert await _names(owner) == ["kept"]
    assert not await owner.commit_prepared(kept.commit, [])
    await owner.roll_back_prepared(undone.commit)
    await owner.apply([add_author("later")])
    assert await _names(helper) == ["kept", "later"]


async def test_writers_are_refused_until_it_is_settled(opens: Open) -> None:
    store, other = opens(), opens()
    (author,) = await store.apply([add_author("a")])
    reservation = _reservation()
    await store.prepare(reservation, [_rename(author.key, "held"), add_book("x", author.key, "isbn")])
    for changes in ([_rename(author.key, "b")], [remove("author", author.key)], [add_book("y", author.key, "isbn")]):
        with pytest.raises(LockConflict) as caught:
            await other.apply(changes)
        assert caught.value.collection == changes[0].collection
        assert changes[0].collection in str(caught.value)
        with pytest.raises(LockConflict):
            await other.prepare(_reservation(), changes)
        with pytest.raises(LockConflict):
            async with other.transaction() as transaction:
                await transaction.apply(changes)
    assert await other.prepared() == [reservation]
    await other.roll_back_prepared(reservation.commit)
    await other.apply([_rename(author.key, "b")])
    assert await _names(store) == ["b"]


async def test_what_a_reference_points_at_stays(opens: Open) -> None:
    store, other = opens(), opens()
    (author,) = await store.apply([add_author("a")])
    reservation = _reservation()
    await store.prepare(reservation, [add_book("x", author.key)])
    await store.close()
    with pytest.raises(LockConflict):
        await other.apply([remove("author", author.key)])
    assert await other.commit_prepared(reservation.commit, [])
    assert await _names(other) == ["a"]


async def test_what_is_refused_holds_nothing_and_spoils_no_connection(opens: Open) -> None:
    store = opens()
    reservation = _reservation()
    for _ in range(15):  # more than there are connections
        with pytest.raises(StaleVersion):
            await store.prepare(reservation, [add_author("a"), edit_book(1, 1, title="x")])
    assert await store.prepared() == []
    await store.apply([add_author("b")])
    assert await _names(store) == ["b"]


async def test_preparing_again_takes_the_place(opens: Open) -> None:
    store, other = opens(), opens()
    reservation = _reservation()
    for holder in (store, store, other):
        await holder.prepare(reservation, [add_author("same", 7)])
    assert len(await store.prepared()) == 1
    assert await store.commit_prepared(reservation.commit, [])
    assert await _names(store) == ["same"]


async def test_two_stores_of_one_commit_over_one_database(opens: Open) -> None:
    first, second = opens("first"), opens("second")
    reservation = _reservation()
    await first.prepare(reservation, [add_author("a")])
    await second.prepare(reservation, [add_author("b")])
    assert await first.prepared() == [reservation]
    for store in (first, second):
        await store.commit_prepared(reservation.commit, [])
    assert await _names(first) == ["a", "b"]


async def test_other_databases_of_the_server_know_nothing_of_it(opens: Open, neighbour_url: str) -> None:
    store = opens()
    neighbour = open_sql("main", neighbour_url)
    assert isinstance(neighbour, HoldingSqlStore)
    neighbour.bind([AUTHOR])
    await neighbour.create()
    reservation = _reservation()
    for each in (store, neighbour):
        await each.prepare(reservation, [add_author("a")])
    await neighbour.roll_back_prepared(reservation.commit)
    assert await neighbour.prepared() == []
    assert await store.prepared() == [reservation]
    await neighbour.close()


@pytest.mark.parametrize("url", ["preparing_url"], indirect=True, ids=["postgres"])
async def test_what_another_version_has_prepared_is_named_and_never_ended(
    opens: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, reservation = opens(), _reservation()
    await store.prepare(reservation, [add_author("a", 1000)])
    with monkeypatch.context() as later:
        for module in (prepared_names, reservations):
            later.setattr(module, "RESERVATION_FORMAT", 9)  # to which those of today are another format
        found = opens()
        seen = [item for item in await found.prepared() if not item.is_readable]
        assert seen
        for item in seen:
            assert item.format == RESERVATION_FORMAT
            with pytest.raises(UnknownFormat, match=f"format {RESERVATION_FORMAT}"):
                await found.roll_back_prepared(item.commit)
            with pytest.raises(UnknownFormat, match=f"format {RESERVATION_FORMAT}"):
                await found.commit_prepared(item.commit, [add_author("a", 1000)])
    assert reservation in await opens().prepared()
    await store.roll_back_prepared(reservation.commit)


@pytest.mark.parametrize("url", ["preparing_url"], indirect=True, ids=["postgres"])
async def test_a_postgresql_that_is_full_says_so(opens: Open) -> None:
    store = opens()
    for _ in range(5):
        await store.prepare(_reservation(), [add_author("a")])
    with pytest.raises(StoreUnavailable, match="max_prepared_transactions"):
        await store.prepare(_reservation(), [add_author("a")])
    assert len(await store.prepared()) == 5


async def test_a_table_of_another_engine_holds_nothing(mariadb_url: str) -> None:
    store = open_sql("main", mariadb_url)
    assert isinstance(store, HoldingSqlStore)
    store.bind([AUTHOR])
    await store.create()
    await store._database.execute(["ALTER TABLE author ENGINE = MyISAM"])
    try:
        assert await store.hold() is Hold.NONE
        with pytest.raises(Unsupported, match="author"):
            await store.prepare(_reservation(), [add_author("a")])
    finally:
        await store.drop()
        await store.close()


async def test_a_prepare_that_is_cancelled_holds_nothing(opens: Open) -> None:
    store, other = opens(), opens(lock_timeout=30)
    (author,) = await store.apply([add_author("a")])
    reservation = _reservation()
    await store.prepare(reservation, [_rename(author.key, "held")])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await other.prepare(_reservation(), [add_author("b"), _rename(author.key, "c")])
    assert await other.prepared() == [reservation]
    await other.roll_back_prepared(reservation.commit)
    await other.apply([_rename(author.key, "d")])
    assert await _names(store) == ["d"]


_KILLED = """
import asyncio, sys
from holdall.stores.sql import open_sql
from tests.support.sql_collections import AUTHOR, BOOK, add_author
from holdall.store import Reservation

async def main(url, data):
    store = open_sql("main", url)
    store.bind([AUTHOR, BOOK])
    await store.prepare(Reservation.decode("", data), [add_author("a")])
    print("prepared", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_a_killed_process_has_prepared_is_settled(opens: Open, url: str) -> None:
    store = opens()
    kept, undone = _reservation(), _reservation()
    for reservation in (kept, undone):
        words = ("-c", _KILLED, url, reservation.encode().decode())
        with PreloadedProcess(*words, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert await asyncio.to_thread(child.stdout.readline) == b"prepared\n"
            child.kill()
            if reservation is kept:
                assert await store.commit_prepared(reservation.commit, [])
            else:
                await store.roll_back_prepared(reservation.commit)
    assert await store.prepared() == []
    assert await _names(store) == ["a"]
