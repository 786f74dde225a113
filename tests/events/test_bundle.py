"""Several events of one commit in one row: the stored form, and each event delivered, tried and listed by itself."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import Event, Holdall
from holdall.errors import NotFound
from holdall.events.bundle import Bundled, bundles_of, decode_bundle, encode_bundle, is_bundle
from holdall.events.outbox_row import OutboxRow, rows_of
from holdall.events.rows import RowBinding
from holdall.events.settling import NEW, Settling, Standing, settle
from holdall.query import MAX_INT
from holdall.session.journal.packing import UnreadableBody
from holdall.store import Change, Verb
from tests.support.event_library import Book, changed_books

pytestmark = pytest.mark.anyio

_GOLDEN = Path(__file__).parent / "golden"
_BODY = bytes.fromhex((_GOLDEN / "event_1.hex").read_text())
_EVENTS = [
    Bundled(0, _BODY),
    Bundled(7, _BODY, 3, dt.datetime(2026, 11, 29, 8, 0, tzinfo=dt.UTC), "ValueError: no", is_dead=False),
    Bundled(300, b"", 10, None, "closed", is_dead=True),
]


async def test_the_form_is_as_it_was_written() -> None:
    golden = (_GOLDEN / "event_2.hex").read_text().strip()
    assert encode_bundle(_EVENTS).hex() == golden
    assert decode_bundle(bytes.fromhex(golden)) == _EVENTS
    assert is_bundle(bytes.fromhex(golden))
    assert not is_bundle(_BODY)


@given(st.integers(0, 10_000))
def test_a_bundle_that_was_cut_is_refused(place: int) -> None:
    whole = encode_bundle(_EVENTS)
    with pytest.raises(UnreadableBody, match="damaged"):
        decode_bundle(whole[: place % len(whole)])


@pytest.mark.parametrize("stored, reason", [(b"\x92\x02\xc1", "damaged"), (encode_bundle([]), "empty")])
async def test_a_bundle_that_cannot_be_read_stands_as_one_event_with_its_reason(stored: bytes, reason: str) -> None:
    row = OutboxRow(1, "c", "tell", "book", False, 0, None, "", stored, ())
    (waiting,) = row.waiting()
    assert (waiting.number, waiting.place, waiting.event) == (None, "1", "c")
    with pytest.raises(UnreadableBody, match=f"its bundle is {reason}") as told:
        waiting.body()
    assert told.value.is_damage


async def test_events_beyond_a_hundred_or_64_kib_go_into_further_bundles() -> None:
    small, large = Bundled(0, b"x"), Bundled(0, b"x" * 40_000)
    assert [len(each) for each in bundles_of([small] * 250)] == [100, 100, 50]
    assert [len(each) for each in bundles_of([large] * 5)] == [1] * 5
    assert bundles_of([small, Bundled(1, b"x" * 65_536), small]) == [[small], [Bundled(1, b"x" * 65_536)], [small]]
    assert bundles_of([small, large]) == [[small, large]]


def _outbox(app: Holdall) -> RowBinding:
    binding = app.bindings.of_name("holdall_outbox_main")
    assert isinstance(binding, RowBinding)
    return binding


async def test_the_events_of_a_commit_are_one_row_and_each_is_delivered_by_itself(app: Holdall) -> None:
    told = list[Event]()

    @app.after(Book.changed, name="tell")
    async def tell(event: Event) -> None:
        told.append(event)

    books = await changed_books(app, 5)
    (row,) = await rows_of(_outbox(app))
    entries = [entry async for entry in app.outbox.entries()]
    assert [entry.id for entry in entries] == [f"main:{row.id}.{number}" for number in range(5)]
    assert [entry.key for entry in entries] == [book.id for book in books]
    assert (await app.outbox.entry(entries[2].id)) == entries[2]
    await app.outbox.drop(entries[4].id)
    assert (await app.outbox.deliver()).delivered == 4
    assert sorted(event.key for event in told) == [book.id for book in books[:4]]
    assert {event.id for event in told} == {entry.event for entry in entries[:4]}
    assert {event.id.rpartition("-")[0] for event in told} == {event.commit for event in told}
    assert await rows_of(_outbox(app)) == []
    with pytest.raises(NotFound):
        await app.outbox.retry(entries[0].id)


async def test_an_event_in_vain_holds_up_its_record_and_no_other_of_its_bundle(app: Holdall) -> None:
    order, closed = list[tuple[Any, str, int]](), set[Any]()

    @app.after(Book.changed, name="shop", backoff=0.001, attempts=2)
    async def tell(event: Event) -> None:
        if event.key in closed:
            raise ConnectionError("closed")
        order.append((event.key, event.new["status"], event.attempt))

    books = await changed_books(app, 3)
    async with app.session() as session:
        for book in books:
            (await session.require(Book, book.id)).status = "in"
    one, two, three = [book.id for book in books]
    closed |= {two}
    report = await app.outbox.deliver()
    assert (report.delivered, report.failed, report.dead, report.waiting) == (4, 1, 0, 1)
    assert (
        [each[1] for each in order if each[0] == one]
        == [each[1] for each in order if each[0] == three]
        == ["out", "in"]
    )
    first, second = [entry async for entry in app.outbox.entries()]
    assert (first.key, first.attempts, first.error) == (two, 1, "ConnectionError: closed")
    assert (second.key, second.attempts, second.error) == (two, 0, "")
    await asyncio.sleep(0.01)
    report = await app.outbox.deliver()
    assert (report.dead, report.failed) == (1, 1)  # the next one had its turn
    (letter,) = [entry async for entry in app.outbox.entries(is_dead=True)]
    (waits,) = [entry async for entry in app.outbox.entries(is_dead=False)]
    assert (letter.id, letter.attempts, waits.id, waits.attempts) == (first.id, 2, second.id, 1)
    closed.clear()
    await app.outbox.retry(letter.id)
    await asyncio.sleep(0.01)
    assert (await app.outbox.deliver()).delivered == 2
    assert [each for each in order if each[0] == two] == [(two, "out", 1), (two, "in", 2)]


async def test_dead_letters_of_a_bundle_are_listed_beside_those_that_wait(app: Holdall) -> None:
    @app.after(Book.changed, name="shop", attempts=1)
    async def tell(event: Event) -> None:
        if event.key != books[1].id:
            raise ValueError("no")
        raise asyncio.CancelledError

    books = await changed_books(app, 3)
    (row,) = await rows_of(_outbox(app))
    await settle(_outbox(app), row, {0: Standing(1, None, "no", is_dead=True)})
    assert [(entry.key, entry.is_dead) async for entry in app.outbox.entries()] == [
        (books[0].id, True), (books[1].id, False), (books[2].id, False)
    ]  # fmt: skip
    assert [entry.key async for entry in app.outbox.entries(is_dead=True)] == [books[0].id]
    assert [entry.key async for entry in app.outbox.entries(is_dead=False)] == [book.id for book in books[1:]]
    assert (await app.outbox.deliver()).dead == 2
    (row,) = await rows_of(_outbox(app))
    assert (row.is_dead, [each.is_dead for each in row.waiting()]) == (True, [True] * 3)
    assert (await app.outbox.deliver()).dead == 0
    for entry in [entry async for entry in app.outbox.entries()]:
        await app.outbox.drop(entry.id)
    assert await rows_of(_outbox(app)) == []


async def test_who_writes_of_a_bundle_keeps_what_others_wrote_meanwhile(app: Holdall) -> None:
    app.after(Book.changed, name="tell")(print)
    await changed_books(app, 4)
    outbox = _outbox(app)
    (old,) = await rows_of(outbox)
    await settle(outbox, old, {1: None})
    assert await settle(outbox, old, {0: Standing(2, None, "no"), 1: NEW}) is not None  # of what it was before
    (row,) = await rows_of(outbox)
    assert [(each.number, each.attempts) for each in row.waiting()] == [(0, 2), (2, 0), (3, 0)]
    settling = Settling(outbox, row)
    await asyncio.gather(*[settling.end(each, None) for each in row.waiting()])
    assert await rows_of(outbox) == []


async def test_rows_of_one_event_that_an_earlier_version_wrote_are_delivered_in_their_turn(app: Holdall) -> None:
    told = list[tuple[Any, str]]()

    @app.after(Book.changed, name="tell")
    async def tell(event: Event) -> None:
        told.append((event.key, event.new["status"]))

    books = await changed_books(app, 2)
    outbox = _outbox(app)
    (row,) = await rows_of(outbox)
    names = ("event", "handler", "collection", "is_dead", "attempts", "error", "body")
    await app.outbox.deliver()
    told.clear()
    for each in row.waiting():
        values = (each.event, "tell", "book", False, 0, "", each.stored)
        await outbox.store.apply([Change(Verb.ADD, outbox.collection, None, names, values)])
    async with app.session() as session:
        for book in books:
            (await session.require(Book, book.id)).status = "in"
    assert (await app.outbox.deliver()).delivered == 4
    for book in books:
        assert [status for key, status in told if key == book.id] == ["out", "in"]


async def _put(app: Holdall, **values: object) -> None:
    """Write this into the only row of the outbox."""
    outbox = _outbox(app)
    (row,) = await rows_of(outbox)
    change = Change(Verb.UPDATE, outbox.collection, row.id, tuple(values), tuple(values.values()))
    (outcome,) = await outbox.store.apply([change])
    assert outcome.error is None


@pytest.mark.parametrize("number", [1, 3], ids=["one event", "a bundle"])
async def test_a_count_that_cannot_grow_begins_anew(app: Holdall, number: int) -> None:
    closed = set[Any]()

    @app.after(Book.changed, name="tell", attempts=1)
    async def tell(event: Event) -> None:
        if event.key in closed:
            raise ValueError("no")

    books = await changed_books(app, number)
    closed.add(books[0].id)
    await _put(app, attempts=MAX_INT)
    assert (await app.outbox.deliver()).dead == 1
    (letter,) = [entry async for entry in app.outbox.entries()]
    assert (letter.key, letter.is_dead, letter.attempts) == (books[0].id, True, 1)


@pytest.mark.parametrize(
    "place, value", [(1, _BODY.replace(b"\xd6\x01\x92\x01\xa1a", b"\x80")), (3, "2026-01-01T00:00:00")]
)
async def test_a_bundle_in_which_somebody_wrote_stops_no_other_event(local: Holdall, place: int, value: object) -> None:
    told = list[Any]()

    @local.after(Book.changed, name="tell", attempts=1)
    async def tell(event: Event) -> None:
        told.append(event.key)

    books = await changed_books(local, 3)
    (row,) = await rows_of(_outbox(local))
    events: list[list[Any]] = [
        [each.number, each.body, each.attempts, each.due, each.error, each.is_dead]
        for each in decode_bundle(row.stored)
    ]
    events[1][place] = value
    await _put(local, body=row.stored[:2] + msgspec.msgpack.encode(events))
    async with local.session() as session:
        (await session.require(Book, books[0].id)).status = "in"
    report = await local.outbox.deliver()
    assert report.delivered == told.count(books[0].id) + told.count(books[2].id)
    assert books[0].id in told
    assert all(["damaged" in entry.problem async for entry in local.outbox.entries(is_dead=True)])
    for entry in [entry async for entry in local.outbox.entries()]:
        await local.outbox.drop(entry.id)
